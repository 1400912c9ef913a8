"""Saving, snoozing and marking a whole list on the inbox page, in a browser and without JavaScript."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.inbox_page import PATH, button, card, news, notice, prepare, ready
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

LISTS = {name: f"{PATH}?show={name}" for name in ("saved", "snoozed", "archived")}


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    quiet_site.python("""
        from notifications_hub.snoozing.waking import wake_due

        def state():
            rows = Notification.objects.filter(recipient=alice)
            print(rows.filter(saved_at__isnull=False).count(), rows.filter(snoozed_until__isnull=False).count())

        def let_time_pass():
            asleep = Notification.objects.filter(recipient=alice, snoozed_until__isnull=False)
            asleep.update(snoozed_until=datetime.now(UTC) - timedelta(seconds=1))
            wake_due()
    """)
    return quiet_site


def state(site: Site) -> str:
    """Return how many are saved, and how many are snoozed."""
    return site.python("state()").strip()


def menu(page: Page, number: int) -> Locator:
    card(page, number).get_by_role("button", name="Snooze:").click()
    opened = page.locator(".nh-snooze-menu:popover-open")
    expect(opened).to_be_visible()
    return opened


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_one_is_saved_snoozed_and_comes_back_on_every_open_page(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page, other = (ready(page_for("alice", path)) for path in (PATH, LISTS["snoozed"]))
    saved = ready(page_for("alice", LISTS["saved"]))

    button(page, 2, "save").click()
    expect(button(page, 2, "unsave")).to_be_focused()
    expect(notice(page)).to_contain_text("Saved")
    expect(news(saved)).to_be_visible()
    news(saved).get_by_role("link").click()
    expect(card(saved, 2)).to_be_visible()

    choices = menu(page, 2)
    shot(page, "menu")
    choices.get_by_role("button", name="Next Monday").click()
    expect(card(page, 2)).to_have_count(0)
    expect(page.locator("[data-part=count]")).to_have_text("2")
    expect(card(saved, 2)).to_contain_text("Snoozed until")
    expect(news(other)).to_be_visible()
    news(other).get_by_role("link").click()
    expect(card(other, 2)).to_contain_text("Snoozed until")
    shot(other, "snoozed")
    page.keyboard.press("Control+z")
    expect(card(page, 2)).to_be_visible()
    expect(card(other, 2)).to_have_count(0)
    expect(card(saved, 2)).not_to_contain_text("Snoozed until")

    menu(page, 2).get_by_role("button", name="Later today").or_(
        page.locator(".nh-snooze-menu:popover-open").get_by_role("button", name="In 3 hours")
    ).click()
    expect(card(other, 2)).to_be_visible()
    wait_until(lambda: state(site) == "1 1", what="the change on the server")
    page.goto(f"{site.url}/notifications/preferences/")
    page.wait_for_selector("notification-bell [data-state=live]", state="attached")
    site.python("let_time_pass()")
    # The tab that leads the connection shows the toast.
    tabs = (page, other, saved)
    toast = "toast-stack .nh-toast:has-text('waved 2')"
    wait_until(lambda: any(tab.locator(toast).is_visible() for tab in tabs), what="a toast")
    expect(card(other, 2)).to_have_count(0)
    expect(card(saved, 2)).not_to_contain_text("Snoozed until")


def test_a_time_of_ones_own_is_asked_for_and_can_be_changed(page_for: People, site: Site) -> None:
    site.python("wave(2)")
    page = ready(page_for("alice", PATH))
    opened = menu(page, 1)
    opened.get_by_role("button", name="Snooze", exact=True).click()
    expect(opened).to_be_visible()
    day = page.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 10)")
    opened.locator("input").fill(f"{day}T07:30")
    opened.get_by_role("button", name="Snooze", exact=True).click()
    expect(card(page, 1)).to_have_count(0)
    wait_until(lambda: state(site) == "0 1", what="the change on the server")

    page.goto(f"{site.url}{LISTS['snoozed']}")
    ready(page)
    expect(card(page, 1)).to_contain_text("7:30")
    menu(page, 1).get_by_role("button", name="Tomorrow morning").click()
    # Nine in the person's zone, which a test before may have set; the browser shows its own.
    expect(card(page, 1)).to_contain_text(re.compile(r"\d:[03]0"))
    expect(card(page, 1)).not_to_contain_text("7:30")
    button(page, 1, "unarchive").click()
    expect(card(page, 1)).to_have_count(0)
    wait_until(lambda: state(site) == "0 0", what="the change on the server")


def test_everything_in_a_list_is_marked_and_undone(page_for: People, site: Site) -> None:
    site.python("wave(25)")
    page = ready(page_for("alice", PATH))
    whole = page.locator("[data-part=whole-label]")
    expect(whole).to_be_hidden()
    page.locator("[data-part=pick-all]").check()
    expect(page.locator("[data-part=picked]")).to_have_text("20 selected")
    shot(page, "selected")
    whole.locator("input").check()
    expect(page.locator("[data-part=picked]")).to_have_text("Everything in this list")
    page.locator("[data-part=bulk-actions] button[value=save]").click()
    expect(notice(page)).to_contain_text("Saved 25")
    expect(page.locator(".nh-card[data-saved]")).to_have_count(20)
    assert state(site) == "25 0"
    notice(page).get_by_role("button", name="Undo").click()
    expect(page.locator(".nh-card[data-saved]")).to_have_count(0)
    wait_until(lambda: state(site) == "0 0", what="the change on the server")

    page.locator(".nh-card .nh-pick").nth(1).check()
    page.locator(".nh-card .nh-pick").nth(3).click(modifiers=["Shift"])
    expect(page.locator("[data-part=picked]")).to_have_text("3 selected")
    page.locator("[data-part=bulk-actions]").get_by_role("button", name="Snooze").click()
    page.locator(".nh-snooze-menu:popover-open").get_by_role("button", name="Tomorrow morning").click()
    expect(notice(page)).to_contain_text("Snoozed 3")
    wait_until(lambda: state(site) == "0 3", what="the change on the server")


def test_without_javascript_all_of_it_works(browser: Browser, people_of: Callable[[Site], People], site: Site) -> None:
    site.python("wave(25)")
    page = people_of(site)("alice", PATH, java_script_enabled=False)
    button(page, 24, "save").click()
    expect(page.locator("[data-part=done]")).to_contain_text("Saved 1 notification.")
    menu(page, 24).get_by_role("button", name="Tomorrow morning").click()
    expect(page.locator("[data-part=done]")).to_contain_text("Snoozed 1 notification.")
    assert state(site) == "1 1"
    page.locator("[data-part=done]").get_by_role("button", name="Undo").click()
    expect(card(page, 24)).to_be_visible()

    card(page, 25).locator(".nh-pick").check()
    page.locator("[data-part=whole]").check()
    page.locator("[data-part=bulk-actions] button[value=archive]").click()
    expect(page.locator("[data-part=done]")).to_contain_text("Archived 25 notifications.")
    page.goto(f"{site.url}{LISTS['saved']}")
    expect(card(page, 24)).to_be_visible()
