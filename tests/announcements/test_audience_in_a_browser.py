"""The audience in a browser: people are searched for and added, the count follows, and a test is sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.announcements.support import ADD
from tests.support.browser import People
from tests.support.site import Site


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def test_people_are_chosen_counted_and_announced_to(page_for: People) -> None:
    page = page_for("admin", ADD)
    reach = page.get_by_role("region", name="Who gets it")
    expect(reach).to_contain_text("For 4 people")
    expect(page.locator("#id_people")).to_be_hidden()

    page.locator("#id_audience").select_option("staff")
    expect(reach).to_contain_text("For 1 person")
    page.locator("#id_audience").select_option("chosen")
    expect(reach).to_contain_text("Choose at least one person.")

    search = page.get_by_role("combobox", name="Search for people")
    search.press_sequentially("ali")
    expect(page.locator("people-search option")).to_have_count(1)
    words = page.locator("people-search option").get_attribute("value")
    search.fill(words or "")
    expect(page.locator("#id_people")).to_have_value("alice")
    expect(search).to_have_value("")
    expect(reach).to_contain_text("For 1 person")

    search.fill("zoe")
    search.press("Enter")
    expect(page.locator("#id_people")).to_have_value("alice\nzoe")
    expect(reach).to_contain_text("Nobody has this user name, e-mail address or key: zoe.")
    page.locator("#id_people").fill("alice, bob")
    expect(reach).to_contain_text("For 2 people")

    result = page.locator("#announcement-test-result")
    page.get_by_role("button", name="Send me a test").click()
    expect(result).to_contain_text("Title: This field is required.")
    page.locator("#id_title").fill("Water off")
    page.get_by_role("button", name="Send me a test").click()
    expect(result).to_contain_text("A test was sent to you alone.")
    expect(page.locator("#id_title")).to_have_value("Water off")

    page.get_by_role("button", name="Announce").click()
    expect(page.get_by_text("“Water off” has been announced to 2 people.")).to_be_visible()
