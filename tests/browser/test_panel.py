"""The bell's panel: changes that fail or are undone, signing out elsewhere, older pages and the keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.push_lab.firefox import Firefox
from tests.support.browser import sign_in
from tests.support.processes import wait_until
from tests.support.site import PASSWORD

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

PATH = "/notifications/preferences/"
"""A page that shows no notifications of its own."""
ARCHIVE = "**/api/v1/notifications/archive/"
READ = "**/api/v1/notifications/read/"
SECRETS = re.compile("waved|Unread:")


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.python("""
        from accounts.models import User
        from notifications.signals import notify
        from notifications_hub.models import Notification
        alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
        Notification.objects.filter(recipient=alice).delete()

        def wave(count, first=1):
            for number in range(first, first + count):
                notify.send(bob, recipient=alice, verb=f"waved {number}", description="It is fine.",
                            url="/notifications/")
    """)
    return quiet_site


def open_panel(page: Page) -> Locator:
    """Open the panel, and return its rows."""
    page.locator("button.nh-bell").click()
    rows = page.locator(".nh-panel .nh-row")
    expect(page.locator(".nh-panel")).to_be_visible()
    return rows


def row(page: Page, number: int) -> Locator:
    return page.locator(".nh-panel .nh-row").filter(has_text=re.compile(rf"waved {number}\b"))


def notice(page: Page) -> Locator:
    return page.locator(".nh-panel .nh-notice")


def announced(page: Page) -> Locator:
    return page.locator("[data-announcer]")


def archived(site: Site) -> str:
    return site.python("print(Notification.objects.filter(recipient=alice, archived_at__isnull=False).count())").strip()


def unread(site: Site) -> str:
    return site.python("print(Notification.objects.filter(recipient=alice, unread=True).count())").strip()


def test_archiving_offline_says_so_and_is_tried_again_once_the_network_is_back(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = page_for("alice", PATH)
    expect(open_panel(page)).to_have_count(3)
    page.context.set_offline(True)
    row(page, 2).get_by_role("button", name="Archive: Bob waved 2").click()

    expect(notice(page)).to_contain_text("Couldn't archive. You may be offline.")
    expect(announced(page)).to_contain_text("Couldn't archive.")
    expect(page.locator(".nh-row").nth(1)).to_contain_text("waved 2")
    row(page, 1).get_by_role("button", name="Archive: Bob waved 1").click()
    expect(row(page, 1)).to_be_visible()
    notice(page).get_by_role("button", name="Try again").click()
    expect(notice(page)).to_contain_text("You may be offline.")
    wait_until(lambda: archived(site) == "0", what="the change on the server")

    page.context.set_offline(False)
    expect(page.locator(".nh-row")).to_have_count(1)
    expect(notice(page)).to_contain_text("Archived")
    wait_until(lambda: archived(site) == "2", what="the change on the server")


@pytest.mark.parametrize("status", [500, pytest.param(403, marks=[pytest.mark.exhaustive, pytest.mark.faults])])
def test_a_change_that_the_server_refuses_is_put_back_and_one_without_a_session_empties_the_panel(
    page_for: People, site: Site, status: int
) -> None:
    site.python("wave(2)")
    page = page_for("alice", PATH)
    open_panel(page)
    page.route(READ, lambda route: route.fulfill(status=status, json={"detail": "No."}))
    page.get_by_role("button", name="Mark all as read").click()

    expect(notice(page)).to_contain_text("Couldn't mark as read.")
    expect(page.locator(".nh-row[data-unread]")).to_have_count(2)
    expect(page.locator("button.nh-bell")).to_have_accessible_name("Notifications, 2 unread")
    page.unroute(READ)
    notice(page).get_by_role("button", name="Try again").click()
    expect(notice(page)).to_contain_text("Marked 2 as read")
    wait_until(lambda: unread(site) == "0", what="the change on the server")
    _a_change_answered_with_401_empties_the_panel(page)


def _a_change_answered_with_401_empties_the_panel(page: Page) -> None:
    page.route(ARCHIVE, lambda route: route.fulfill(status=401, json={"detail": "Sign in first."}))
    row(page, 2).get_by_role("button", name="Archive").click()
    expect(page.locator(".nh-panel").get_by_text("You're signed out", exact=True)).to_be_visible()
    expect(page.locator(".nh-row")).to_have_count(0)
    expect(notice(page)).to_be_hidden()


def test_a_failure_stays_on_the_screen_while_other_changes_work(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = page_for("alice", PATH)
    open_panel(page)
    page.route(ARCHIVE, lambda route: route.abort())
    row(page, 3).get_by_role("button", name="Archive").click()
    expect(notice(page)).to_contain_text("Couldn't archive.")
    page.unroute(ARCHIVE)
    row(page, 2).get_by_role("button", name="Archive").click()
    expect(row(page, 2)).to_have_count(0)
    expect(announced(page)).to_contain_text("Archived")
    expect(notice(page)).to_contain_text("Couldn't archive.")
    notice(page).get_by_role("button", name="Dismiss").click()
    expect(notice(page)).to_be_hidden()
    expect(row(page, 3)).to_be_visible()


def test_archiving_is_undone_by_keyboard_with_the_focus_back_on_the_row(page_for: People, site: Site) -> None:
    site.python("wave(4)")
    page = page_for("alice", PATH)
    page.locator("button.nh-bell").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".nh-row")).to_have_count(4)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    row(page, 3).get_by_role("button", name="Archive").focus()
    page.keyboard.press("Enter")

    expect(row(page, 3)).to_have_count(0)
    expect(row(page, 2).get_by_role("button", name="Archive")).to_be_focused()
    expect(notice(page)).to_contain_text("Archived")
    expect(page.locator("button.nh-bell")).to_have_accessible_name("Notifications, 3 unread")
    page.keyboard.press("Escape")
    expect(page.locator("button.nh-bell")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".nh-panel")).to_be_focused()
    notice(page).get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".nh-row").nth(1)).to_contain_text("waved 3")
    expect(row(page, 3).get_by_role("link")).to_be_focused()
    expect(page.locator("button.nh-bell")).to_have_accessible_name("Notifications, 4 unread")
    expect(notice(page)).to_be_hidden()
    wait_until(lambda: archived(site) == "0", what="the change on the server")


def test_an_undo_that_fails_can_be_tried_again_and_a_double_click_archives_one_row(
    page_for: People, site: Site
) -> None:
    site.python("wave(2)")
    page = page_for("alice", PATH)
    open_panel(page)
    row(page, 2).get_by_role("button", name="Archive").click()
    page.context.set_offline(True)
    notice(page).get_by_role("button", name="Undo").click()
    expect(notice(page)).to_contain_text("Couldn't undo that. You may be offline.")
    expect(row(page, 2)).to_have_count(0)
    page.context.set_offline(False)
    notice(page).get_by_role("button", name="Try again").click()
    expect(row(page, 2)).to_be_visible()
    expect(notice(page)).to_be_hidden()
    wait_until(lambda: archived(site) == "0", what="the change on the server")

    row(page, 2).get_by_role("button", name="Archive").dblclick()
    expect(notice(page)).to_contain_text("Archived")
    expect(page.locator(".nh-row")).to_have_count(1)
    wait_until(lambda: archived(site) == "1", what="the change on the server")


def test_marking_all_as_read_is_undone_for_items_that_are_not_loaded_too(page_for: People, site: Site) -> None:
    site.python("wave(30)")
    page = page_for("alice", PATH)
    open_panel(page)
    page.get_by_role("button", name="Mark all as read").click()
    expect(notice(page)).to_contain_text("Marked 30 as read")
    expect(page.locator("button.nh-bell")).to_have_accessible_name("Notifications")
    wait_until(lambda: unread(site) == "0", what="the change on the server")
    notice(page).get_by_role("button", name="Undo").click()
    expect(page.locator("button.nh-bell")).to_have_accessible_name("Notifications, 30 unread")
    expect(page.locator(".nh-row[data-unread]")).to_have_count(20)
    wait_until(lambda: unread(site) == "30", what="the undoing")


def test_signing_out_in_another_tab_empties_panel_badge_and_toasts(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page, closed = page_for("alice", PATH + "?from=here"), page_for("alice", PATH)
    open_panel(closed)
    expect(closed.locator(".nh-row")).to_have_count(3)
    closed.keyboard.press("Escape")
    page.bring_to_front()
    expect(open_panel(page)).to_have_count(3)
    page.keyboard.press("ArrowDown")
    site.python("wave(1, first=4)")
    expect(announced(page)).to_contain_text("New: Bob waved 4")
    other = page_for("alice", PATH)
    other.get_by_role("button", name=re.compile("alice", re.IGNORECASE)).or_(other.locator("summary")).first.click()
    other.get_by_role("button", name="Sign out").click()

    page.bring_to_front()
    panel = page.locator(".nh-panel")
    expect(panel.get_by_text("You're signed out", exact=True)).to_be_visible()
    expect(panel.get_by_role("link", name="Sign in")).to_be_focused()
    for tab in (page, closed):
        expect(tab.locator("notification-bell")).to_have_attribute("unread", "0")
        expect(tab.locator(".nh-row, .nh-toast")).to_have_count(0)
        expect(tab.locator(".nh-badge")).to_be_hidden()
        expect(tab.locator("body")).not_to_contain_text(SECRETS)
    expect(panel.get_by_role("button", name="Mark all as read")).to_be_hidden()

    sign_in(other, site, "bob")
    expect(other.locator("button.nh-bell")).to_be_visible()
    site.python("wave(1); notify.send(alice, recipient=bob, verb='nodded')")
    expect(other.locator("notification-bell")).to_have_attribute("unread", "1")
    expect(page.locator(".nh-row, .nh-toast")).to_have_count(0)
    panel.get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=.*preferences.*from"))


@pytest.mark.exhaustive
@pytest.mark.faults
def test_in_firefox_too_signing_out_in_another_tab_empties_the_panel(site: Site) -> None:
    site.python("wave(2)")
    with Firefox("ws://127.0.0.1:9/") as firefox:
        firefox.visit(f"{site.url}/accounts/login/?next={PATH}")
        firefox.fill("[name=username]", "alice")
        firefox.fill("[name=password]", PASSWORD)
        firefox.click("main form button")
        firefox.click("button.nh-bell")
        firefox.wait_until("document.querySelectorAll('.nh-panel .nh-row').length === 2")
        first = firefox.driver.current_window_handle
        firefox.driver.switch_to_window(firefox.driver.open(type="tab", focus=False)["handle"], focus=False)
        firefox.visit(site.url + PATH)
        firefox.run("document.querySelector('form[action*=logout]').requestSubmit()")
        firefox.driver.switch_to_window(first)
        firefox.wait_until("document.activeElement.dataset.part === 'sign-in'")
        assert firefox.run("return document.querySelectorAll('.nh-row').length") == 0
        assert "waved" not in firefox.run("return document.querySelector('notification-bell').textContent")


def test_older_notifications_are_appended_and_live_events_still_apply(page_for: People, site: Site) -> None:
    site.python("wave(45)")
    page = page_for("alice", PATH)
    rows = open_panel(page)
    expect(rows).to_have_count(20)
    older = page.get_by_role("button", name="Show older")
    page.route("**/api/v1/notifications/?before=*", lambda route: route.abort())
    older.click()
    again = page.get_by_role("button", name="Couldn't load older ones. Try again")
    expect(again).to_be_visible()
    expect(announced(page)).to_contain_text("Couldn't load older ones.")
    page.unroute("**/api/v1/notifications/?before=*")
    again.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(40)
    expect(row(page, 25).get_by_role("link")).to_be_focused()
    site.python("wave(1, first=46)")
    expect(rows.first).to_contain_text("waved 46")
    expect(row(page, 25).get_by_role("link")).to_be_focused()
    row(page, 25).get_by_role("button", name="Archive").click()
    older.click()
    expect(rows).to_have_count(45)
    expect(older).to_be_hidden()
    numbers = re.findall(r"waved (\d+)", page.locator(".nh-rows").inner_text())
    assert numbers == [str(number) for number in range(46, 0, -1) if number != 25]
    page.keyboard.press("Escape")
    open_panel(page)
    expect(rows).to_have_count(20)


def test_news_in_the_open_panel_is_announced_once_and_together(page_for: People, site: Site) -> None:
    site.python("wave(1)")
    page = page_for("alice", PATH)
    # A notification that comes before the first rows are fetched is among them, and is no news.
    expect(open_panel(page)).to_have_count(1)
    polite = announced(page).locator("[aria-live=polite] > *")
    site.python("from django.db import transaction\nwith transaction.atomic(): wave(3, first=2)")
    expect(polite).to_have_text(["3 new notifications"])
    site.python("wave(1, first=5)")
    expect(polite.last).to_have_text("New: Bob waved 5")


def test_arrows_move_between_rows_and_escape_returns_to_the_bell(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = page_for("alice", PATH)
    bell = page.locator("button.nh-bell")
    bell.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".nh-row")).to_have_count(3)
    for key, number in (("ArrowDown", 3), ("ArrowDown", 2), ("End", 1), ("ArrowUp", 2), ("Home", 3)):
        page.keyboard.press(key)
        expect(row(page, number).get_by_role("link")).to_be_focused()
    page.keyboard.press("Tab")
    expect(row(page, 3).get_by_role("button", name="Mark as read: Bob waved 3")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, 3)).not_to_have_attribute("data-unread", "")
    expect(row(page, 3).get_by_role("link")).to_be_focused()
    page.keyboard.press("Escape")
    expect(bell).to_be_focused()
    expect(bell).to_have_attribute("aria-expanded", "false")


def test_on_a_phone_actions_are_visible_and_nothing_covers_a_row(page_for: People, site: Site) -> None:
    site.python("wave(12)")
    page = page_for("alice", PATH, viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True)
    open_panel(page)
    row(page, 12).get_by_role("button", name="Archive").tap()
    expect(notice(page)).to_contain_text("Archived")
    expect(row(page, 1).get_by_role("button", name="Archive")).to_have_css("opacity", "1")
    row(page, 1).scroll_into_view_if_needed()
    assert edges(page, ".nh-row:last-child")[1] <= edges(page, ".nh-notice")[0] + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def edges(page: Page, selector: str) -> tuple[float, float]:
    """Return the top and the bottom of a part of the panel."""
    box = page.locator(f".nh-panel {selector}").bounding_box()
    assert box is not None
    return box["y"], box["y"] + box["height"]
