"""Banners in a browser: live for people and visitors, on their paths, dismissed in every tab, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import People
from tests.support.processes import wait_until
from tests.support.site import Site

INBOX, SIGN_IN, CURRENT = "/notifications/", "/accounts/login/", "**/notifications/banners/"
ANNOUNCE = """
    from notifications_hub import Banner, broadcast
    from notifications_hub.announcements import announce
    from notifications_hub.models import Announcement, BannerDismissal
    one = broadcast(title="Water off", body="From **8** to 10.", level="warning", url="/notifications/",
                    banner=Banner(is_public=True))
    broadcast(title="In the inbox", banner=Banner(paths=["/notifications/"], is_dismissable=False))
"""
NOTE_TOASTS = """() => {
  window.toasted = new Set();
  const titles = () => document.querySelectorAll(".nh-toast [data-part=title]");
  const note = () => titles().forEach((title) => title.textContent && toasted.add(title.textContent));
  new MutationObserver(note).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""
EDIT = """
    Announcement.objects.filter(pk=one.pk).update(title="Water on <b>again</b>", level="success", url="")
    announce.publish_edit(one)
"""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def banners(page: Page) -> Locator:
    return page.locator(".nh-banner")


def expect_titles(pages: Sequence[Page], *titles: str) -> None:
    for page in pages:
        expect(page.locator(".nh-banner [data-part=title]")).to_have_text(list(titles), timeout=20_000)


def open_live(page_for: People, username: str | None, path: str = "/") -> Page:
    """Open a page, and wait until its banners follow what happens."""
    page = page_for(username, "/healthz")
    with page.expect_response(CURRENT):
        page.goto(page.url.replace("/healthz", path))
    return page


def test_banners_follow_on_open_pages_of_people_and_visitors(page_for: People, site: Site) -> None:
    alice, inbox, bob = open_live(page_for, "alice"), open_live(page_for, "alice", INBOX), open_live(page_for, "bob")
    visitor, other_tab = open_live(page_for, None, SIGN_IN), open_live(page_for, None, SIGN_IN)

    # At once, on the pages of its paths, in place of a toast, and read to everyone.
    alice.bring_to_front()
    alice.evaluate(NOTE_TOASTS)
    site.python(ANNOUNCE)
    expect_titles([alice, bob, visitor, other_tab], "Water off")
    expect_titles([inbox], "In the inbox", "Water off")
    expect(banners(visitor)).to_contain_text("From 8 to 10.")
    for page, address in ((alice, "/notifications/a\\d+/open/"), (visitor, INBOX)):
        link = page.get_by_role("region", name="Announcements").get_by_role("link")
        expect(link).to_have_attribute("href", re.compile(address))
    expect(alice.locator("[data-announcer]")).to_contain_text("Warning: Water off From 8 to 10.")
    alice.wait_for_function("toasted.has('In the inbox')", timeout=20_000)
    assert alice.evaluate("[...toasted]") == ["In the inbox"]
    expect(inbox.get_by_role("button", name="Dismiss: In the inbox")).to_have_count(0)

    # An edit changes the words.
    site.python(EDIT)
    expect_titles([alice, bob, visitor, other_tab], "Water on <b>again</b>")
    expect(banners(visitor)).to_have_attribute("data-level", "success")
    expect(banners(visitor).get_by_role("link")).to_have_count(0)

    # A person dismisses it on all pages, and an edit does not bring it back.
    alice.get_by_role("button", name="Dismiss: Water on").press("Enter")
    expect_titles([alice])
    assert alice.evaluate("document.activeElement.localName") == "announcement-banners"
    expect_titles([inbox], "In the inbox")
    wait_until(lambda: site.python("print(BannerDismissal.objects.count())").strip() == "1")
    with alice.expect_response(CURRENT):
        alice.reload()
    site.python("announce.publish_edit(one)")
    expect_titles([bob, visitor], "Water on <b>again</b>")
    expect_titles([alice])

    # A visitor dismisses it in this browser.
    with visitor.expect_response("**/dismiss/") as answer:
        visitor.get_by_role("button", name="Dismiss: Water on").click()
    assert answer.value.status == 204
    expect_titles([visitor])
    other_tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect_titles([other_tab])
    visitor.reload()
    expect_titles([visitor])

    # Without scripts, a form does it.
    plain = page_for("charlie", java_script_enabled=False)
    wait_until(lambda: bool(plain.reload()) and banners(plain).count() == 1)
    plain.get_by_role("button", name="Dismiss: Water on").click()
    expect_titles([plain])
    assert plain.url == f"{site.url}/"

    # A withdrawal takes it away from those who have it.
    newcomer = page_for("admin", SIGN_IN)
    expect_titles([bob, newcomer], "Water on <b>again</b>")
    site.python("announce.withdraw(one)")
    expect_titles([bob, newcomer])


def test_a_dismissal_that_fails_is_taken_back(page_for: People, site: Site) -> None:
    page = open_live(page_for, "alice")
    site.python(ANNOUNCE)
    expect_titles([page], "Water off")
    page.route("**/dismiss/", lambda route: route.abort())
    page.get_by_role("button", name="Dismiss: Water off").click()
    expect(banners(page).get_by_text("That didn't work.")).to_be_visible()
    page.unroute("**/dismiss/")
    page.get_by_role("button", name="Dismiss: Water off").click()
    expect_titles([page])


def test_one_that_can_no_longer_be_dismissed_comes_back_to_a_visitor(page_for: People, site: Site) -> None:
    visitor = open_live(page_for, None, SIGN_IN)
    site.python(ANNOUNCE)
    with visitor.expect_response("**/dismiss/"):
        visitor.get_by_role("button", name="Dismiss: Water off").click()
    expect_titles([visitor])
    site.python("""
        Announcement.objects.filter(pk=one.pk).update(is_banner_dismissable=False)
        announce.publish_edit(one)
    """)
    expect_titles([visitor], "Water off")
    # The cookie still lists it.
    with visitor.expect_response(CURRENT):
        visitor.reload()
    expect_titles([visitor], "Water off")
