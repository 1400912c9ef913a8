"""Turning on pushes fails in a real Chromium: the page says why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from notifications_hub.transports.web_push.vapid import generate
from tests.support.browser import WHOLE
from tests.support.databases import Databases
from tests.support.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.browser import People, SharedChromium

# What Chromium throws if it cannot reach its maker's service. A real attempt would depend on the machine's network.
NO_PUSH_SERVICE = """() => {
    PushManager.prototype.subscribe = async () => {
        throw new DOMException("Registration failed - push service error", "AbortError");
    };
}"""
PREFERENCES = "/notifications/preferences/"


@pytest.fixture(scope="module")
def browser(_shared_chromium: SharedChromium) -> Browser:
    """Open the whole Chromium, because its headless shell denies every permission to notify."""
    return _shared_chromium.open(WHOLE)


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    push = {"VAPID_PRIVATE_KEY": generate(), "VAPID_SUBJECT": "mailto:ops@hub.example"}
    site = Site(tmp_path_factory.mktemp("site"), hub={}, environment={"DATABASE_URL": databases.copy(), **push})
    yield site
    site.close()


def test_a_failed_switch_says_why_and_what_to_do(page_for: People) -> None:
    page = page_for("alice", PREFERENCES, permissions=["notifications"])
    switch, idle = page.locator("push-subscription"), page.get_by_text("No browser gets your push notifications yet")
    button = switch.get_by_role("button")
    expect(switch).to_have_attribute("state", "off")
    expect(idle).to_be_visible()

    page.evaluate(NO_PUSH_SERVICE)
    button.press("Enter")
    expect(switch).to_have_attribute("state", "service", timeout=30_000)
    expect(switch.get_by_text("couldn't reach its push service")).to_be_visible()
    expect(page.locator("[data-announcer]")).to_contain_text("couldn't reach its push service")
    expect(button).to_have_text("Try again")
    expect(button).to_be_focused()
    expect(idle).to_be_visible()

    page.context.set_offline(True)
    button.press("Enter")
    expect(switch.get_by_text("Check your internet connection")).to_be_visible()
    page.context.set_offline(False)

    page.context.clear_cookies()
    button.press("Enter")
    expect(switch.get_by_text("Your session has ended")).to_be_visible()
    expect(button).to_be_hidden()
    page.keyboard.press("Tab")
    expect(switch.get_by_role("link", name="Sign in again")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/accounts/login/?next={PREFERENCES}")


def test_a_blocked_browser_is_told_where_to_allow_notifications(page_for: People) -> None:
    page = page_for("bob", PREFERENCES)
    switch = page.locator("push-subscription")
    switch.get_by_role("button", name="Turn on").click()
    expect(switch.get_by_text("Allow them in the site settings")).to_be_visible()
    expect(switch.get_by_role("button")).to_be_hidden()
