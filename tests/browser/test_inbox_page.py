"""The inbox page in Chromium: changes in place, undo, failures, older pages and selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.support.inbox_page import PATH, archived, button, card, news, notice, prepare, ready, unread
from tests.support.processes import wait_until

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
    wait_until(lambda: archived(site) == "1", what="the change on the server")
    page.keyboard.press("Control+z")
    expect(card(page, 8)).to_be_visible()
    expect(notice(page)).to_be_hidden()
    assert page.locator(".nh-card h3 a").all_inner_texts()[3:6] == [f"Bob waved {number}" for number in (9, 8, 7)]
    expect(news(page)).to_be_hidden()
    wait_until(lambda: archived(site) == "0", what="the change on the server")
    assert page.evaluate("window.stayed")


def test_reading_a_row_moves_the_focus_to_its_opposite_and_news_is_inserted_at_the_top(
    page_for: People, site: Site
) -> None:
    site.python("wave(2)")
    page = ready(page_for("alice", PATH))
    button(page, 2, "read").focus()
    page.keyboard.press("Enter")

    expect(button(page, 2, "unread")).to_be_focused()
    expect(page.locator("[data-part=count]")).to_have_text("1")
    page.keyboard.press("Enter")
    expect(button(page, 2, "read")).to_be_focused()
    expect(page.locator("[data-part=count]")).to_have_text("2")

    site.python("notify.send(bob, recipient=alice, verb='waved 99')")
    news(page).locator("a").click()
    expect(card(page, 99)).to_be_focused()
    assert page.locator(".nh-card").count() == 3
    expect(news(page)).to_be_hidden()
    assert page.evaluate("window.stayed")


def test_all_are_read_and_undone_and_an_undo_is_still_offered_once_older_ones_have_filled_the_page(
    page_for: People, site: Site
) -> None:
    site.python("wave(25)")
    page = ready(page_for("alice", PATH))
    page.get_by_role("button", name="Mark all as read").first.click()

    expect(notice(page)).to_contain_text("25")
    expect(page.locator(".nh-card[data-unread]")).to_have_count(0)
    expect(page.locator("[data-part=count]")).to_be_hidden()
    wait_until(lambda: unread(site) == "0", what="the change on the server")
    notice(page).get_by_role("button", name="Undo").click()
    expect(page.locator(".nh-card[data-unread]")).to_have_count(20)
    expect(page.locator("[data-part=count]")).to_have_text("25")
    expect(notice(page)).to_be_hidden()
    wait_until(lambda: unread(site) == "25", what="the change on the server")
    _an_undo_is_still_offered_once_older_ones_have_filled_the_page(page, site)


def test_a_failed_change_and_a_failed_undo_show_how_things_are(page_for: People, site: Site) -> None:
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
    wait_until(lambda: archived(site) == "1", what="the change on the server")
    _an_undo_of_what_was_changed_since_shows_how_things_are(page, site)


def _an_undo_is_still_offered_once_older_ones_have_filled_the_page(page: Page, site: Site) -> None:
    page.locator("[data-part=pick-all]").check()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/notifications/?*before*", hold)
    page.locator("[data-part=bulk-actions] button[value=archive]").click()
    expect(notice(page)).to_contain_text("Archived 20")
    held[0].continue_()

    expect(page.locator(".nh-card")).to_have_count(5)
    expect(notice(page)).to_contain_text("Archived 20")
    notice(page).get_by_role("button", name="Undo").click()
    expect(page.locator(".nh-card")).to_have_count(25)
    expect(notice(page)).to_be_hidden()
    wait_until(lambda: archived(site) == "0", what="the change on the server")


def _an_undo_of_what_was_changed_since_shows_how_things_are(page: Page, site: Site) -> None:
    button(page, 2, "archive").click()
    expect(card(page, 2)).to_have_count(0)
    wait_until(lambda: archived(site) == "2", what="the change on the server")
    site.python("Notification.objects.filter(recipient=alice).unarchive()")
    expect(card(page, 2)).to_be_visible()
    site.python("Notification.objects.filter(recipient=alice, verb='waved 2').archive()")
    expect(card(page, 2)).to_have_count(0)
    notice(page).get_by_role("button", name="Undo").click()

    expect(notice(page)).to_contain_text("Couldn't undo that.")
    expect(notice(page).get_by_role("button", name="Try again")).to_be_hidden()
    expect(card(page, 2)).to_have_count(0)
    expect(page.locator("[data-part=count]")).to_have_text("2")
    assert page.evaluate("window.stayed")


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
    assert "before=" not in page.url
    assert page.evaluate("window.stayed")


def test_what_is_archived_elsewhere_while_older_ones_load_does_not_appear(page_for: People, site: Site) -> None:
    site.python("wave(25)")
    page = ready(page_for("alice", PATH))
    expect(page.locator("notification-bell .nh-state")).to_have_attribute("data-state", "live")
    answers: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        answers.append((route, route.fetch()))

    page.route("**/notifications/?*before*", hold)
    page.get_by_role("link", name="Older").click()
    while not answers:
        page.wait_for_timeout(50)  # lets Playwright call the handler
    site.python("Notification.objects.filter(recipient=alice, verb='waved 3').archive()")
    expect(page.locator("notification-bell")).to_have_attribute("unread", "24")
    [(route, answer)] = answers
    route.fulfill(response=answer)

    expect(page.locator(".nh-card")).to_have_count(24)
    expect(card(page, 3)).to_have_count(0)


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
    wait_until(lambda: archived(site) == "0", what="the change on the server")
