"""Following in open pages: the button and its menu across tabs, the panel, the inbox, and all without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

pytestmark = pytest.mark.filterwarnings("default")

FOLLOWING = "/notifications/following/"
PREPARE = """
from accounts.models import User
from notifications_hub.models import Follow
from showcase.models import Post
from showcase.replies import reply_to
Follow.objects.all().delete()
alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
post = Post.objects.filter(author=bob).first()
print(post.get_absolute_url())
"""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def test_a_thing_is_followed_muted_and_unfollowed(page_for: People, site: Site) -> None:
    path = site.python(PREPARE).strip()
    page, other = page_for("alice", path), page_for("alice", path)
    for one in (page, other):
        expect(one.locator("notification-bell [data-state=live]")).to_be_attached(timeout=20_000)
    page.get_by_role("button", name="Follow", exact=True).click()
    for one in (page, other):
        expect(one.get_by_role("button", name="Following")).to_have_attribute("aria-pressed", "true", timeout=20_000)

    page.locator("follow-button summary").click()
    page.keyboard.press("Escape")
    expect(page.locator("follow-button details")).not_to_have_attribute("open", "")
    expect(page.locator("follow-button summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Mute for a week").click()
    for one in (page, other):
        expect(one.get_by_text("Muted until")).to_be_visible(timeout=20_000)
    other.locator("follow-button summary").click()
    other.get_by_role("button", name="Unmute", exact=True).click()
    expect(page.get_by_text("Muted until")).to_be_hidden(timeout=20_000)

    # The panel says why, and unfollows with an undo.
    site.python("reply_to(post, bob, 'The first spring is dry too.')")
    page.locator("notification-bell [data-part=button]").click()
    row = page.locator(".nh-row").first
    expect(row).to_contain_text("Because you follow this.", timeout=20_000)
    row.get_by_role("button", name="Unfollow").click()
    expect(page.locator(".nh-panel [data-part=notice-text]")).to_have_text("Unfollowed", timeout=20_000)
    expect(row.get_by_role("button", name="Unfollow")).to_be_hidden(timeout=20_000)
    expect(other.get_by_role("button", name="Follow", exact=True)).to_be_visible(timeout=20_000)
    page.locator(".nh-panel [data-part=notice-action]").click()
    expect(other.get_by_role("button", name="Following")).to_be_visible(timeout=20_000)

    # So does the inbox page, in the same place.
    other.goto(f"{site.url}/notifications/")
    card = other.locator(".nh-card").first
    card.get_by_role("button", name="Unfollow").click()
    expect(card.get_by_role("button", name="Follow again")).to_be_visible(timeout=20_000)
    assert other.url == f"{site.url}/notifications/"


def test_it_works_without_a_script(page_for: People, site: Site) -> None:
    path = site.python(PREPARE).strip()
    page = page_for("alice", path, java_script_enabled=False)
    page.get_by_role("button", name="Follow", exact=True).click()
    expect(page).to_have_url(f"{site.url}{path}")
    page.locator("follow-button summary").click()
    page.get_by_role("button", name="Mute for a day").click()
    expect(page.locator("follow-button").get_by_text("Muted until")).to_be_visible()
    page.goto(f"{site.url}{FOLLOWING}")
    expect(page.get_by_role("heading", name="The map of the ridge walk is done")).to_be_visible()
    page.get_by_role("button", name="Following").click()
    expect(page.get_by_text("You follow nothing yet")).to_be_visible()
