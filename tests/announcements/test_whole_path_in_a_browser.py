"""One announcement from its writing to its withdrawal, before two admins, two people and a visitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.announcements.support import ADD
from tests.support.browser import People
from tests.support.inbox_page import PATH as INBOX
from tests.support.inbox_page import news, ready

if TYPE_CHECKING:
    from tests.conftest import StartSite
    from tests.support.site import Site

TITLE, SOON, LATER = "Lift out of order", "Take the stairs until Friday.", "Take the stairs until Saturday."


@pytest.fixture
def site(start_site: StartSite) -> Site:
    """Let a second person approve, and Charlie announce too."""
    site = start_site({"ANNOUNCEMENT_APPROVAL_ABOVE": 1})
    site.python("""
        from accounts.models import User
        from django.contrib.auth.models import Permission
        charlie = User.objects.get(username="charlie")
        charlie.is_staff = True
        charlie.save()
        charlie.user_permissions.add(Permission.objects.get(codename="broadcast"))
    """)
    return site


def test_an_announcement_from_its_writing_to_its_withdrawal(page_for: People) -> None:
    alice, bob, visitor = _open(page_for, "alice"), _open(page_for, "bob"), _open(page_for, None, "/accounts/login/")
    everyone = (alice, bob, visitor)
    inbox = ready(page_for("alice", INBOX))
    writer, second = page_for("admin", ADD), page_for("charlie")
    second.wait_for_selector("notification-bell [data-state=live]", state="attached")

    # Nobody sees it before a second person approves it, and that person is asked.
    writer.locator("#id_title").fill(TITLE)
    writer.locator("#id_body").fill(SOON)
    writer.locator("#id_is_banner").check()
    writer.locator("#id_is_banner_public").check()
    writer.get_by_role("button", name="Announce").click()
    expect(writer.get_by_text(f"“{TITLE}” waits for a second person, who was asked to approve it.")).to_be_visible()
    second.locator("toast-stack a", has_text=TITLE).click()
    assert [_banner(page).count() for page in everyone] == [0, 0, 0]

    # Approved, it is on every open page at once, and in the bell and the inbox.
    second.get_by_role("button", name="Approve and announce").click()
    expect(second.get_by_text(f"“{TITLE}” is approved.")).to_be_visible()
    for page in everyone:
        expect(_banner(page)).to_contain_text(SOON)
    news(inbox).get_by_role("link").click()
    expect(_row(inbox)).to_contain_text(SOON)
    alice.locator("notification-bell .nh-bell").click()
    expect(alice.locator(".nh-row", has_text=TITLE)).to_be_visible()

    # One reads it, the other one dismisses its banner.
    _row(inbox).get_by_role("button", name=f"Mark as read: {TITLE}").click()
    bob.get_by_role("button", name=f"Dismiss: {TITLE}").click()
    expect(_banner(bob)).to_have_count(0)

    # A correction waits for a second person too. Then it is everywhere, except where it was dismissed.
    writer.locator("#result_list").get_by_role("link", name=TITLE, exact=True).click()
    writer.locator("#id_body").fill(LATER)
    writer.get_by_role("button", name="Send for approval").click()
    expect(writer.get_by_text("waits for a second person. Until then, people see the old words.")).to_be_visible()
    expect(_banner(visitor)).to_contain_text(SOON)
    second.reload()
    second.get_by_role("link", name=f"A correction of “{TITLE}” needs your approval").click()
    second.get_by_role("button", name="Approve the correction").click()
    expect(second.get_by_text("The correction is on open pages now.")).to_be_visible()
    for page in (alice, visitor):
        expect(_banner(page)).to_contain_text(LATER)
    expect(_row(inbox)).to_contain_text(LATER)
    expect(_banner(bob)).to_have_count(0)

    # The results count what they did.
    writer.locator("#result_list").get_by_role("link", name=f"Results of “{TITLE}”").click()
    did = writer.get_by_role("region", name="What people did").get_by_role("row")
    for words in ("Read: marked it as read, or opened it on a page", "Dismissed: closed its banner"):
        expect(did.filter(has_text=words)).to_have_text(f"{words} 1", timeout=40_000, use_inner_text=True)

    # Withdrawn, it is nowhere.
    writer.goto(writer.url.replace("/results/", "/withdraw/"))
    writer.get_by_role("button", name="Withdraw").click()
    expect(writer.get_by_text(f"“{TITLE}” was withdrawn.")).to_be_visible()
    for gone in (*(_banner(page) for page in everyone), _row(inbox), alice.locator(".nh-row")):
        expect(gone.filter(has_text=TITLE)).to_have_count(0)


def _open(page_for: People, username: str | None, path: str = "/") -> Page:
    """Open a page, and wait until its banners follow what happens."""
    page = page_for(username, "/healthz")
    with page.expect_response("**/notifications/banners/"):
        page.goto(page.url.replace("/healthz", path))
    return page


def _banner(page: Page) -> Locator:
    return page.locator(".nh-banner")


def _row(inbox: Page) -> Locator:
    return inbox.locator(".nh-card", has_text=TITLE)
