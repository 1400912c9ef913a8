"""The site's policy forbids inline scripts and styles; a page that breaks it fails when `page_for` closes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.receiver import receiver
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

StartSite = Callable[..., Site]
PeopleOf = Callable[[Site], "People"]


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def test_without_javascript_everything_is_read_and_preferences_are_kept(page_for: People, site: Site) -> None:
    site.python(
        "from accounts.models import User; from notifications.signals import notify;"
        "alice, bob = (User.objects.get(username=name) for name in ('alice', 'bob'));"
        "[notify.send(bob, recipient=alice, verb='waved') for _ in range(25)]"
    )
    page = page_for("alice", "/notifications/", java_script_enabled=False)

    page.get_by_role("link", name="Older").click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(".nh-card[data-unread]")).to_have_count(0)
    page.goto(f"{site.url}/notifications/preferences/")
    box = page.locator("input[name='comment.reply:flash']")
    box.uncheck(force=True)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    expect(box).not_to_be_checked()


def test_the_names_of_kinds_stay_readable_beside_many_delivery_methods(
    start_site: StartSite, people_of: PeopleOf
) -> None:
    memory = "notifications_hub.transports.memory.Memory"
    siren = "tests.inbox.test_own_transport.Siren"
    site = start_site(hub={"TRANSPORTS": {"text_message": memory, "corporate_pager": memory, "siren": siren}})
    page = people_of(site)("alice", "/notifications/preferences/")
    for width in (1200, 600):
        page.set_viewport_size({"width": width, "height": 800})
        name = page.locator("#label-announcement").bounding_box()
        assert name is not None
        assert name["height"] < 60
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    locked = page.get_by_role("checkbox", name="Other notifications Siren & lamp")
    expect(locked).to_be_disabled()
    expect(locked).to_have_accessible_description(re.compile("You can't turn off “Siren & lamp”"))


def test_without_javascript_an_address_is_added_its_secret_shown_and_it_is_removed(
    start_site: StartSite, people_of: PeopleOf
) -> None:
    with receiver() as there:
        site = start_site(
            hub={
                "TRANSPORTS": {
                    "webhook": "notifications_hub.transports.webhook.transport.Webhook",
                    "apprise": "notifications_hub.transports.apprise.transport.Apprise",
                },
                "WEBHOOK_EXTRA_HOSTS": [there.host],
            }
        )
        page = people_of(site)("alice", "/notifications/preferences/", java_script_enabled=False)
        form = page.locator("form", has=page.get_by_role("heading", name="Add: Webhook"))
        form.get_by_label("Web address").fill("http://example.com/")
        form.get_by_role("button", name="Add").click()
        expect(form.get_by_text("This isn't a complete web address.")).to_be_visible()
        form.get_by_label("Web address").fill(f"{there.url}/hook")
        form.get_by_label("Name (optional)").fill("Workshop")
        form.get_by_role("button", name="Add").click()
        expect(page.get_by_text("whsec_")).to_be_visible()
        page.get_by_role("button", name="Send a test to Workshop (127.0.0.1)").click()
        expect(page.get_by_text("Sent to Workshop (127.0.0.1).")).to_be_visible(timeout=30_000)
        assert len(there.requests) == 1
        page.goto(f"{site.url}/notifications/preferences/")
        expect(page.get_by_text("whsec_")).to_have_count(0)
        page.get_by_role("button", name="Remove Workshop (127.0.0.1)").click()
        expect(page.get_by_text("We won't send notifications to that address any more.")).to_be_visible()
