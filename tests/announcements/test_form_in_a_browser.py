"""The form in a browser: the preview follows the typing, and nothing violates the content security policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.announcements.support import ADD, LIST
from tests.support.browser import People
from tests.support.site import Site


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def test_the_preview_follows_what_is_written_and_fits_beside_it(page_for: People) -> None:
    page = page_for("admin", ADD)
    preview = page.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("Write a title")
    urgency, form = page.locator("#id_urgency").bounding_box(), page.locator(".field-urgency").bounding_box()
    assert urgency is not None
    assert form is not None
    assert urgency["x"] + urgency["width"] <= form["x"] + form["width"]

    page.locator("#id_title").fill("Water off <b>on Monday</b>")
    page.locator("#id_body").fill("From **8 to 10**.")
    expect(preview.locator(".nh-toast")).to_contain_text("Water off <b>on Monday</b>")
    expect(preview.locator(".hub-preview-text strong")).to_have_text("8 to 10")
    page.get_by_label("Warning").check()
    expect(preview.locator(".nh-toast")).to_have_attribute("data-level", "warning")

    page.get_by_text("Add another").click()
    page.locator("#id_translations-0-language").select_option("zh-hans")
    page.locator("#id_translations-0-title").fill("闭馆")
    expect(page.locator('.hub-preview [lang="zh-hans"] .nh-title')).to_have_text("闭馆")
    page.locator("#id_translations-0-title").fill("")

    page.locator("#id_url").fill("https://elsewhere.example/")
    page.locator("#id_is_banner").check()
    words, banner = (preview.locator(f".nh-banner{part}").first for part in ("-words", ""))
    expect(banner.get_by_text("leads to elsewhere.example")).to_be_visible()
    widths = [one.evaluate("one => one.clientWidth") for one in (words, banner)]
    assert widths[0] > widths[1] / 2


def test_announcing_and_withdrawing(page_for: People) -> None:
    page = page_for("admin", ADD)
    page.locator("#id_title").fill("Closed on Sunday")
    page.get_by_role("button", name="Announce").click()
    expect(page.get_by_text("“Closed on Sunday” has been announced to 4 people.")).to_be_visible()

    page.go_back()
    expect(page.locator("#id_title")).to_have_value("Closed on Sunday")
    page.get_by_role("button", name="Announce").click()
    expect(page.get_by_text("“Closed on Sunday” was already sent, so it was not announced again.")).to_be_visible()

    page.go_back()
    page.locator("#id_title").fill("Closed on Monday")
    page.get_by_role("button", name="Announce").click()
    expect(page.get_by_text("“Closed on Monday” has been announced to 4 people.")).to_be_visible()

    page.locator("#result_list").get_by_role("link", name="Closed on Sunday", exact=True).click()
    page.get_by_role("link", name="Withdraw…").click()
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("“Closed on Sunday” was withdrawn.")).to_be_visible()
    row = page.locator("#result_list tr", has_text="Closed on Sunday")
    expect(row.locator('.hub-state[data-state="withdrawn"]')).to_be_visible()


def test_the_progress_follows_the_sending(page_for: People, site: Site) -> None:
    site.python("""
        from notifications_hub import broadcast
        from notifications_hub.announcements.rollouts.models import Rollout
        sent = broadcast(title="To many").pk
        Rollout.objects.update(people=400, looked_at=0, finished_at=None, state="paused")
    """)
    page = page_for("admin", LIST)
    page.locator("#result_list").get_by_role("link", name="To many").first.click()
    page.get_by_role("link", name="Sending").click()
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "0")

    site.python("Rollout.objects.all().move(looked_at=100, sent=97)")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "25")
    expect(page.get_by_role("cell", name="97", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 375, "height": 800})
    expect(page.locator('[data-label="Not wanted"]')).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Stop for good").click()
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    page.get_by_role("button", name="Stop for good").click()
    expect(page.get_by_text("Sending has ended.")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)


def test_without_scripts_a_button_shows_the_preview(page_for: People) -> None:
    form = page_for("admin", ADD, java_script_enabled=False)
    form.locator("#id_title").fill("Closed")
    with form.context.expect_page() as opened:
        form.get_by_role("button", name="Preview").click()
    expect(opened.value.locator(".nh-toast")).to_contain_text("Closed")


def test_times_are_in_the_browsers_zone_from_the_first_page_on(page_for: People, site: Site) -> None:
    page = page_for("admin", ADD, timezone_id="Asia/Tokyo")
    expect(page.get_by_text("All times are in the time zone Asia/Tokyo.")).to_be_visible()
    page.locator("#id_title").fill("Later")
    page.locator("#id_starts_at_0").fill("2099-07-01")
    page.locator("#id_starts_at_1").fill("09:00:00")
    page.get_by_role("button", name="Announce").click()
    expect(page.locator("#result_list")).to_contain_text("9 a.m.")
    expect(page.locator("#result_list")).to_contain_text("(Asia/Tokyo)")
    start = site.python(
        "from notifications_hub.models import Announcement; print(Announcement.objects.latest('pk').starts_at)"
    )
    assert start.strip() == "2099-07-01 00:00:00+00:00"
