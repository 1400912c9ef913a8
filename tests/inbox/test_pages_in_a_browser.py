"""The site's policy forbids inline scripts and styles; a page that breaks it fails when `page_for` closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def test_the_page_about_the_api_lists_its_routes(page_for: People) -> None:
    page = page_for(None, "/api/v1/docs/")

    expect(page.get_by_text("/api/v1/notifications/count/")).to_be_visible()
    page.get_by_text("/api/v1/notifications/count/").click()
    expect(page.get_by_text("Sign in first.").first).to_be_visible()


def test_without_javascript_everything_is_read_and_preferences_are_kept(page_for: People, site: Site) -> None:
    site.python(
        "from accounts.models import User; from notifications.signals import notify;"
        "alice, bob = (User.objects.get(username=name) for name in ('alice', 'bob'));"
        "[notify.send(bob, recipient=alice, verb='waved') for _ in range(25)]"
    )
    page = page_for("alice", "/notifications/", java_script_enabled=False)

    page.get_by_role("link", name="Older").click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator("[data-unread]")).to_have_count(0)
    page.goto(f"{site.url}/notifications/preferences/")
    box = page.locator("input[name='comment.reply:flash']")
    box.uncheck(force=True)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    expect(box).not_to_be_checked()
