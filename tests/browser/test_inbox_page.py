"""The inbox page in Chromium: changes in place, undo, failures, older pages, selection, layout and signing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.inbox_page import PATH, archived, button, card, news, notice, prepare, ready, unread

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

MARKS = "**/api/v1/notifications/*/"


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


def test_a_row_is_archived_in_place_and_undo_brings_it_back(page_for: People, site: Site) -> None:
    site.python("wave(12)")
    page = ready(page_for("alice", PATH))
    page.evaluate("scrollTo(0, 400)")
    scrolled = page.evaluate("scrollY")
    button(page, 8, "archive").focus()
    page.keyboard.press("Enter")

    expect(card(page, 8)).to_have_count(0)
    expect(button(page, 7, "archive")).to_be_focused()
    expect(notice(page)).to_contain_text("Archived")
    assert abs(page.evaluate("scrollY") - scrolled) < 150
    assert archived(site) == "1"
    page.keyboard.press("Control+z")
    expect(card(page, 8)).to_be_visible()
    expect(notice(page)).to_be_hidden()
    assert page.locator(".nh-card h3 a").all_inner_texts()[3:6] == [f"Bob waved {number}" for number in (9, 8, 7)]
    expect(news(page)).to_be_hidden()
    assert archived(site) == "0"
    assert page.evaluate("window.stayed")


def test_reading_a_row_moves_the_focus_to_its_opposite(page_for: People, site: Site) -> None:
    site.python("wave(2)")
    page = ready(page_for("alice", PATH))
    button(page, 2, "read").focus()
    page.keyboard.press("Enter")

    expect(button(page, 2, "unread")).to_be_focused()
    expect(page.locator("[data-part=count]")).to_have_text("1")
    page.keyboard.press("Enter")
    expect(button(page, 2, "read")).to_be_focused()
    expect(page.locator("[data-part=count]")).to_have_text("2")
    assert page.evaluate("window.stayed")


def test_all_are_read_and_undone(page_for: People, site: Site) -> None:
    site.python("wave(25)")
    page = ready(page_for("alice", PATH))
    page.get_by_role("button", name="Mark all as read").first.click()

    expect(notice(page)).to_contain_text("25")
    expect(page.locator(".nh-card[data-unread]")).to_have_count(0)
    expect(page.locator("[data-part=count]")).to_be_hidden()
    assert unread(site) == "0"
    notice(page).get_by_role("button", name="Undo").click()
    expect(page.locator(".nh-card[data-unread]")).to_have_count(20)
    expect(page.locator("[data-part=count]")).to_have_text("25")
    expect(notice(page)).to_be_hidden()
    assert unread(site) == "25"


def test_a_failed_change_is_put_back_and_can_be_tried_again(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    page.route(MARKS, lambda route: route.abort())
    button(page, 3, "archive").click()

    expect(notice(page)).to_contain_text("You may be offline.")
    expect(card(page, 3)).to_be_visible()
    expect(page.locator("[data-part=count]")).to_have_text("3")
    page.unroute(MARKS)
    notice(page).get_by_role("button", name="Try again").click()
    expect(card(page, 3)).to_have_count(0)
    expect(notice(page)).to_contain_text("Archived")
    assert archived(site) == "1"


def test_older_ones_are_appended_under_their_days(page_for: People, site: Site) -> None:
    site.python("wave(45)")
    site.python("spread(3)")
    page = ready(page_for("alice", PATH))
    page.route("**/notifications/?*before*", lambda route: route.abort())
    older = page.get_by_role("link", name="Older")
    older.click()

    expect(notice(page)).to_contain_text("We couldn't load older notifications.")
    page.unroute("**/notifications/?*before*")
    notice(page).get_by_role("button", name="Try again").click()
    expect(page.locator(".nh-card")).to_have_count(40)
    expect(notice(page)).to_be_hidden()
    older.click()
    expect(page.locator(".nh-card")).to_have_count(45)
    expect(card(page, 5)).to_be_focused()
    expect(older).to_have_count(0)
    days = page.locator(".nh-day h2").all_inner_texts()
    assert len(days) == len(set(days))
    assert page.locator(".nh-card h3 a").all_inner_texts() == [f"Bob waved {number}" for number in range(45, 0, -1)]
    assert page.url.endswith(PATH)
    assert page.evaluate("window.stayed")


def test_news_is_inserted_at_the_top(page_for: People, site: Site) -> None:
    site.python("wave(2)")
    page = ready(page_for("alice", PATH))
    site.python("notify.send(bob, recipient=alice, verb='waved 99')")
    news(page).locator("a").click()

    expect(card(page, 99)).to_be_focused()
    assert page.locator(".nh-card").count() == 3
    expect(news(page)).to_be_hidden()
    assert page.evaluate("window.stayed")


def test_many_are_selected_and_archived_by_keyboard(page_for: People, site: Site) -> None:
    site.python("wave(20)")
    page = ready(page_for("alice", PATH))
    picks = page.locator(".nh-card .nh-pick")
    picks.nth(9).check()
    picks.nth(12).click(modifiers=["Shift"])

    expect(page.locator("[data-part=picked]")).to_have_text("4 selected")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Go to actions")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=bulk-actions] button").first).to_be_focused()
    picks.nth(5).focus()
    page.keyboard.press("Home")
    expect(page.locator("[data-part=pick-all]")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("[data-part=picked]")).to_have_text("20 selected")
    page.locator("[data-part=bulk-actions] button[value=archive]").click()
    expect(page.locator("[data-part=blank]")).to_be_visible()
    expect(notice(page)).to_contain_text("Archived 20")
    notice(page).get_by_role("button", name="Undo").click()
    expect(page.locator(".nh-card")).to_have_count(20)
    expect(notice(page)).to_be_hidden()
    assert archived(site) == "0"


def test_no_focus_stop_hides_under_a_bar(page_for: People, site: Site) -> None:
    site.python("wave(12)")
    page = ready(page_for("alice", PATH, viewport={"width": 375, "height": 600}))
    page.locator(".nh-card .nh-pick").first.check()
    button(page, 1, "archive").focus()
    hidden = []
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        hidden += page.evaluate("""() => {
            const { left, top, width, height } = document.activeElement.getBoundingClientRect();
            const found = document.elementFromPoint(left + width / 2, top + height / 2);
            const ok = found && (document.activeElement.contains(found) || found.contains(document.activeElement));
            return ok ? [] : [document.activeElement.outerHTML.slice(0, 200)];
        }""")
    assert not hidden


@pytest.mark.parametrize("size", [None, "200%"])
def test_nothing_in_a_card_overlaps_at_any_width(page_for: People, site: Site, size: str | None) -> None:
    site.python("wave(3, 'warning')")
    page = ready(page_for("alice", PATH))
    page.evaluate("size => { document.documentElement.style.fontSize = size ?? ''; }", size)
    for direction in ("ltr", "rtl"):
        page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
        for width in (320, 344, 368, 414, 560, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            overlaps = page.evaluate("""() => {
                const parts = [".nh-pick", ".nh-disc", ".nh-words", ".nh-time", ".nh-why", "button:not([hidden])"];
                const problems = [];
                for (const card of document.querySelectorAll(".nh-card")) {
                    const found = parts.flatMap((part) => [...card.querySelectorAll(part)]);
                    const boxes = found.map((part) => [part.className, part.getBoundingClientRect()]);
                    const all = card.getBoundingClientRect();
                    for (const [name, box] of boxes) {
                        if (box.left < all.left - 1 || box.right > all.right + 1) problems.push([name, "outside"]);
                        for (const [other, that] of boxes) {
                            const across = Math.min(box.right, that.right) - Math.max(box.left, that.left);
                            const down = Math.min(box.bottom, that.bottom) - Math.max(box.top, that.top);
                            if (box !== that && across > 1 && down > 1) problems.push([name, other]);
                        }
                    }
                }
                return problems;
            }""")
            assert overlaps == [], (direction, width)


def test_repeated_controls_have_distinct_names(page_for: People, site: Site) -> None:
    site.python("wave(3, 'error')")
    page = ready(page_for("alice", PATH))

    for name in ("Mark as read", "Archive"):
        expect(page.get_by_role("button", name=f"{name}: Bob waved 2", exact=True)).to_have_count(1)
    expect(page.get_by_role("checkbox", name="Select: Bob waved 2", exact=True)).to_have_count(1)
    expect(page.get_by_role("link", name="How we notified you: Bob waved 2")).to_have_count(1)
    expect(page.get_by_role("heading", name="Unread: Error: Bob waved 2")).to_have_count(1)


def test_times_are_relative_and_in_the_viewers_zone(page_for: People, site: Site) -> None:
    site.python("wave(1)")
    site.python("spread(0); Notification.objects.update(timestamp=datetime(2026, 1, 31, 20, 30, tzinfo=UTC))")
    page = ready(page_for("alice", PATH, timezone_id="Asia/Tokyo", locale="en-GB"))

    assert page.locator(".nh-day h2").inner_text() == "February 1, 2026"
    assert "5:30:00" in (page.locator(".nh-card time").get_attribute("title") or "")
    page.locator(".nh-why").click()
    expect(page.locator(".nh-story time").first).to_contain_text("5:30:00")


def test_signing_out_elsewhere_empties_the_page(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    page_for("alice", "/").request.post(
        f"{site.url}/accounts/logout/",
        form={"csrfmiddlewaretoken": page.locator("[name=csrfmiddlewaretoken]").first.input_value()},
    )

    expect(page.locator("inbox-page").get_by_text("You're signed out")).to_be_visible()
    expect(page.locator("inbox-page")).not_to_contain_text("waved")
    page.locator("inbox-page").get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(re.compile("/accounts/login/"))


def test_a_change_after_the_session_ended_empties_the_page_without_a_bell(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    page.evaluate("document.querySelector('notification-bell').remove()")
    page.context.clear_cookies()
    button(page, 2, "archive").click()

    expect(page.locator("inbox-page").get_by_text("You're signed out")).to_be_visible()
    expect(page.locator("inbox-page")).not_to_contain_text("waved")


def test_without_a_bell_the_page_counts_by_itself(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    page.evaluate("document.querySelector('notification-bell').remove()")
    button(page, 2, "archive").click()

    expect(page.locator("[data-part=count]")).to_have_text("2")
    notice(page).get_by_role("button", name="Undo").click()
    expect(page.locator("[data-part=count]")).to_have_text("3")


def test_without_javascript_a_change_is_undone(page_for: People, site: Site) -> None:
    site.python("wave(25)")
    page = page_for("alice", PATH, java_script_enabled=False)
    page.get_by_role("button", name="Mark all as read").click()

    expect(page.get_by_text("Marked 25 notifications as read.")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".nh-card[data-unread]")).to_have_count(20)
    expect(page.get_by_text("Marked 25 notifications as read.")).to_have_count(0)
    assert unread(site) == "25"
    assert re.search(r"[ap]\.m\. [A-Z]{3,4}$", page.locator(".nh-card time").first.inner_text())
