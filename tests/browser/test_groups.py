"""Groups on open pages: one row, one card and one toast, which follow the group as it grows and shrinks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.inbox_page import ready
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

WAIT = 20_000
PREPARE = """
    from accounts.models import User
    from notifications.signals import notify
    from notifications_hub.inbox import marks
    from notifications_hub.models import Notification
    alice, *others = (User.objects.get(username=name) for name in ("alice", "bob", "charlie", "admin"))
    Notification.objects.filter(recipient=alice).delete()
    def reply(*places, **given):
        for place in places:
            notify.send(others[place], recipient=alice, verb="replied to your post", group_key="post-9", **given)
"""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.python(PREPARE)
    return quiet_site


def toasts(page: Page) -> Locator:
    return page.locator(".nh-toast:not([inert])")


def rows(page: Page) -> Locator:
    return page.locator("notification-bell .nh-row")


def cards(page: Page) -> Locator:
    return page.locator(".nh-card")


def test_a_group_is_one_row_one_card_and_one_toast_that_follow_it(page_for: People, site: Site) -> None:
    site.python("reply(0); notify.send(others[1], recipient=alice, verb='waved')")
    home, inbox = page_for("alice"), ready(page_for("alice", "/notifications/"))
    expect(cards(inbox)).to_have_count(2)

    site.python("reply(1)")
    site.python("reply(2, 0)")
    for page in (home, inbox):
        expect(page.locator("notification-bell")).to_have_attribute("unread", "5", timeout=WAIT)
    # Only one tab shows toasts.
    words = "Bob and 2 others replied to your post"
    shown = home if toasts(home).count() else inbox
    expect(toasts(shown)).to_have_count(1, timeout=WAIT)
    expect(toasts(shown).locator("[data-part=title]")).to_have_text(words, timeout=WAIT)

    # One card, on top, in the words of the group.
    expect(cards(inbox)).to_have_count(2)
    expect(cards(inbox).first).to_contain_text(words, timeout=WAIT)
    expect(cards(inbox).first.locator("[data-part=group]")).to_contain_text("Show all 4")
    home.get_by_role("button", name="Notifications").click()
    expect(rows(home)).to_have_count(2)
    expect(rows(home).first.locator("[data-part=title]")).to_have_text(words, timeout=WAIT)
    expect(rows(home).first.locator("[data-part=group]")).to_have_text("Show all 4")

    # It shrinks as members are read elsewhere, the newest too, and a fresh page agrees.
    site.python("""
        mine = Notification.objects.filter(recipient=alice, group_key__isnull=False).order_by("-pk")
        marks.mark(alice, marks.Mark.READ, [mine[0].item_id])
    """)
    words = "Admin and 2 others replied to your post"
    expect(rows(home).locator("[data-part=title]", has_text=words)).to_have_count(1, timeout=WAIT)
    expect(cards(inbox).filter(has_text=words)).to_have_count(1, timeout=WAIT)
    expect(rows(home).locator("[data-part=group]:visible")).to_have_text("Show all 3")
    fresh = ready(page_for("alice", "/notifications/"))
    expect(cards(fresh)).to_have_count(3)
    expect(cards(fresh).filter(has_text=words)).to_have_count(1)

    # Archived at once, with one undo.
    group = cards(inbox).filter(has_text=words)
    group.locator("button[value=archive]").click()
    expect(group).to_have_count(0)
    expect(inbox.locator("notification-bell")).to_have_attribute("unread", "1", timeout=WAIT)
    inbox.locator("inbox-page > .nh-notice").get_by_role("button", name="Undo").click()
    expect(group).to_have_count(1, timeout=WAIT)
    expect(group.locator("[data-part=group]")).to_contain_text("Show all 3")
    for page in (home, inbox, fresh):
        expect(page.locator("notification-bell")).to_have_attribute("unread", "4", timeout=WAIT)
    expect(rows(home).locator("[data-part=title]", has_text=words)).to_have_count(1, timeout=WAIT)

    # A row that is read from the panel reads the whole group.
    rows(home).filter(has_text=words).locator("button[data-part=read]").click()
    for page in (home, inbox, fresh):
        expect(page.locator("notification-bell")).to_have_attribute("unread", "1", timeout=WAIT)
    expect(inbox.locator("[data-part=group]:visible")).to_have_count(0, timeout=WAIT)


def test_without_javascript_a_group_is_opened_and_read_with_one_undo(page_for: People, site: Site) -> None:
    site.python("reply(0, 1, 2, 0)")
    page = page_for("alice", "/notifications/", java_script_enabled=False)
    expect(cards(page)).to_have_count(1)
    page.get_by_role("link", name="Show all 4").click()
    expect(cards(page)).to_have_count(4)
    # Of a member here, only the member is marked.
    cards(page).nth(1).locator("button[value=read]").click()
    expect(cards(page)).to_have_count(3)
    page.get_by_role("link", name="All notifications").click()
    cards(page).filter(has_text="Bob and").locator("button[value=archive]").click()
    expect(page.get_by_text("Archived 3 notifications.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Show all 3")).to_be_visible()


def test_a_search_lists_and_marks_those_of_a_group_singly(page_for: People, site: Site) -> None:
    site.python("reply(0, 1, 2, description='About apples.')")
    page = ready(page_for("alice", "/notifications/?q=apples"))
    expect(cards(page)).to_have_count(3)
    cards(page).first.locator("button[value=archive]").click()
    expect(cards(page)).to_have_count(2)
    # What arrives takes none of them away.
    site.python("reply(1, description='About apples.')")
    expect(page.locator("notification-bell")).to_have_attribute("unread", "3", timeout=WAIT)
    expect(cards(page)).to_have_count(2)
    page.reload()
    expect(cards(page)).to_have_count(3)
