"""The inbox page in Chromium keeps its place: no jump, no second row changed, and rows that follow other tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.test_main_job import wait_until_live
from tests.support.inbox_page import PATH, archived, button, card, news, notice, prepare, ready, unread
from tests.support.processes import wait_until
from tests.support.proxy import proxy_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.browser import People
    from tests.support.site import Site

    PeopleOf = Callable[[Site], People]


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


def scrolled(page: Page) -> int:
    return int(page.evaluate("scrollY"))


def bulk(page: Page, action: str) -> Locator:
    return page.locator(f"[data-part=bulk-actions] button[value={action}]")


def test_a_notice_and_a_change_of_several_rows_leave_focus_and_scroll_where_they_are(
    page_for: People, site: Site
) -> None:
    site.python("wave(20)")
    page = ready(page_for("alice", PATH))
    for name, focused in (("Undo", 4), ("Dismiss", 3)):
        button(page, 4, "archive").click()
        expect(notice(page)).to_be_visible()
        before = scrolled(page)
        assert before > 500
        notice(page).get_by_role("button", name=name).click()
        expect(notice(page)).to_be_hidden()
        expect(card(page, focused)).to_be_focused()
        assert abs(scrolled(page) - before) < 150

    for action, focused in (("read", 6), ("archive", 3)):
        for number in (6, 5):
            card(page, number).locator(".nh-pick").check()
        before = scrolled(page)
        bulk(page, action).click()
        expect(card(page, focused)).to_be_focused()
        assert before > 500
        assert abs(scrolled(page) - before) < 150


def test_undoing_the_only_row_by_keyboard_moves_the_focus_to_it(page_for: People, site: Site) -> None:
    site.python("wave(1)")
    page = ready(page_for("alice", PATH))
    button(page, 1, "archive").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=blank]")).to_be_focused()
    expect(notice(page)).to_be_visible()
    page.keyboard.press("Control+z")

    expect(card(page, 1)).to_be_focused()
    expect(notice(page)).to_be_hidden()


def _marking_rows_that_are_read_already_says_so(page: Page) -> None:
    card(page, 2).locator(".nh-pick").check()
    bulk(page, "read").click()

    expect(notice(page)).to_contain_text("Already read")
    expect(notice(page).get_by_role("button", name="Undo")).to_be_hidden()


def test_a_double_click_and_a_key_held_down_change_one_row_once(page_for: People, site: Site) -> None:
    site.python("wave(9)")
    page = ready(page_for("alice", PATH))
    button(page, 4, "archive").dblclick()
    button(page, 2, "read").dblclick()
    expect(card(page, 4)).to_have_count(0)
    expect(button(page, 2, "unread")).to_be_visible()
    expect(page.locator(".nh-card")).to_have_count(8)
    wait_until(lambda: (archived(site), unread(site)) == ("1", "8"), what="both changes")

    button(page, 8, "archive").focus()
    for _ in range(4):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(button(page, 7, "archive")).to_be_focused()
    expect(notice(page)).to_contain_text("Archived")
    expect(page.locator(".nh-card")).to_have_count(7)
    _marking_rows_that_are_read_already_says_so(page)


def test_a_row_opened_in_a_new_tab_by_the_middle_button_is_read(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    with page.context.expect_page():
        card(page, 2).locator("a[data-part=link]").click(button="middle")

    expect(button(page, 2, "unread")).to_be_visible()
    wait_until(lambda: unread(site) == "2", what="the row is read")
    page.locator("button.nh-bell").click()
    row = page.locator(".nh-panel .nh-row").filter(has_text="waved 1")
    row.locator("[data-part=archive]").click(button="middle")
    with page.context.expect_page():
        row.locator("a.nh-title").click(button="middle")
    wait_until(lambda: unread(site) == "1", what="the panel's row is read")
    assert archived(site) == "0"


def test_undoing_by_keyboard_does_not_repeat_what_failed(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.route("**/notifications/archive/", lambda route: route.abort())
    button(page, 3, "archive").click()
    expect(notice(page)).to_contain_text("Couldn't archive.")
    before = len(requests)
    page.keyboard.press("Control+z")

    page.unroute("**/notifications/archive/")
    notice(page).get_by_role("button", name="Try again").click()
    expect(card(page, 3)).to_have_count(0)
    assert sum(url.endswith("/archive/") for url in requests[before:]) == 1


def test_the_archive_offers_nothing_new_but_what_is_archived(page_for: People, site: Site) -> None:
    site.python("wave(1); Notification.objects.filter(recipient=alice).archive(); wave(1)")
    page = ready(page_for("alice", f"{PATH}?show=archived"))
    site.python("notify.send(bob, recipient=alice, verb='waved 99')")
    expect(page.locator("[data-part=count]")).to_have_text("2")

    expect(news(page)).to_be_hidden()
    site.python("Notification.objects.filter(recipient=alice).archive()")
    news(page).get_by_role("link").click()
    expect(page.locator(".nh-card")).to_have_count(3)


def test_a_row_marked_as_unread_elsewhere_is_offered_among_the_unread(page_for: People, site: Site) -> None:
    site.python("wave(2); Notification.objects.filter(recipient=alice).mark_all_as_read()")
    page = ready(page_for("alice", f"{PATH}?show=unread"))
    expect(page.locator("[data-part=blank]")).to_be_visible()
    site.python("Notification.objects.filter(recipient=alice, verb='waved 1').mark_all_as_unread()")

    news(page).get_by_role("link").click()
    expect(card(page, 1)).to_be_focused()
    expect(page.locator("[data-part=blank]")).to_be_hidden()


def change_elsewhere(site: Site) -> None:
    site.python("""
        rows = Notification.objects.filter(recipient=alice)
        rows.filter(verb="waved 2").mark_all_as_read()
        rows.filter(verb="waved 3").archive()
        notify.send(bob, recipient=alice, verb="waved 99")
    """)


def expect_the_changes(page: Page) -> None:
    expect(card(page, 3)).to_have_count(0)
    expect(button(page, 2, "unread")).to_be_visible()
    expect(button(page, 1, "read")).to_be_visible()
    news(page).get_by_role("link").click()
    expect(card(page, 99)).to_be_focused()
    expect(card(page, 3)).to_have_count(0)


def test_changes_before_the_bell_is_connected_reach_the_rows(page_for: People, site: Site) -> None:
    site.python("wave(4)")
    page = page_for("alice", "/notifications/preferences/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    def is_held() -> bool:
        page.wait_for_timeout(50)  # lets Playwright call the handler
        return bool(held)

    page.route("**/api/v1/notifications/", hold, times=1)
    page.goto(site.url + PATH)
    ready(page)
    wait_until(is_held, what="the bell's request")
    change_elsewhere(site)
    held[0].continue_()

    expect_the_changes(page)
    assert page.evaluate("window.stayed")


def test_after_a_gap_in_the_events_the_rows_are_fetched_again(people_of: PeopleOf, site: Site) -> None:
    site.python("wave(4)")
    with proxy_before(site) as proxy:
        page = ready(people_of(cast("Site", proxy))("alice", PATH))
        wait_until_live(page)
        page.context.set_offline(True)
        # An open connection outlives the network in Chromium, and would deliver what it missed.
        proxy.cut()
        expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "waiting")
        change_elsewhere(site)
        # The cursor of an earlier epoch is answered with a reset.
        site.manage("hub_rotate_epochs")
        page.context.set_offline(False)

        expect_the_changes(page)
        assert page.evaluate("window.stayed")


def test_an_announcement_that_is_reworded_changes_its_row(page_for: People, site: Site) -> None:
    site.python("""
        from django.db import transaction
        from notifications_hub import broadcast
        from notifications_hub.announcements.announce import publish_edit
        note = broadcast(title="Lunch at noon", body="In the **hall**.", by=bob)

        def reword(title, body):
            note.title, note.body = title, body
            with transaction.atomic():
                note.save()
                publish_edit(note)
    """)
    page = ready(page_for("alice", PATH))
    expect(page.get_by_role("heading", name="Lunch at noon")).to_be_visible()
    site.python("reword('Lunch at one', 'In the *garden*.')")

    expect(page.get_by_role("heading", name="Lunch at one")).to_be_visible()
    expect(page.locator(".nh-card em")).to_have_text("garden")


def test_on_a_phone_no_bar_covers_the_rows_with_large_text_and_a_short_notice_is_one_line(
    page_for: People, site: Site
) -> None:
    site.python("wave(6)")
    page = ready(page_for("alice", PATH, viewport={"width": 375, "height": 700}))
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    card(page, 3).locator(".nh-pick").check()
    card(page, 2).evaluate("card => card.scrollIntoView({block: 'start', behavior: 'instant'})")

    for y in (100, 200, 300, 400):
        found = page.evaluate("y => document.elementFromPoint(200, y).closest('.nh-cards, .nh-days') !== null", y)
        assert found, f"A bar covers the rows at {y} px."
    card(page, 3).locator(".nh-pick").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(bulk(page, "read")).to_be_focused()
    expect(bulk(page, "read")).to_be_in_viewport(ratio=1)
    _a_short_notice_fits_on_one_line(page)


def _a_short_notice_fits_on_one_line(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.reload()
    ready(page)
    button(page, 2, "archive").click()
    expect(notice(page)).to_be_visible()

    words, undo = notice(page).locator("[data-part=notice-text]"), notice(page).get_by_role("button", name="Undo")
    assert words.evaluate("words => words.getBoundingClientRect().bottom") > undo.evaluate(
        "undo => undo.getBoundingClientRect().top"
    )
