"""An announcement that links to another site: toast, bell and inbox say where it leads, and open it in a tab apart."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser import People
from tests.support.processes import wait_until
from tests.support.site import Site

THERE = "https://other.example/sale?a=b"
HOSTILE = ["javascript:alert(1)", "//evil.example/", "http://evil.example/", "https://eve@evil.example/"]


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def test_it_says_where_it_leads_and_opens_apart(page_for: People, site: Site) -> None:
    page = page_for("alice", "/")
    page.context.route("https://other.example/**", lambda route: route.fulfill(body="There", content_type="text/html"))
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")
    site.python(f"from notifications_hub import broadcast; broadcast(title='Sale', url={THERE!r}, other_site=True)")
    toast = page.locator("toast-stack .nh-toast").filter(has_text="Sale")
    _expect_to_lead_away(toast.locator("a[data-part=link]"))
    page.locator("notification-bell button").first.click()
    _expect_to_lead_away(page.locator("notification-bell li a[data-part=link]").filter(has_text="Sale"))
    page.keyboard.press("Escape")

    page.goto(f"{site.url}/notifications/")
    link = page.locator("main a[data-part=link]").filter(has_text="Sale")
    _expect_to_lead_away(link)
    with page.context.expect_page() as opened:
        link.click()
    there = opened.value
    there.wait_for_load_state()
    assert there.url == THERE
    assert there.evaluate("[window.opener, document.referrer]") == [None, ""]
    wait_until(lambda: _clicked(site) == "True", what="the recorded click")


def test_a_hostile_event_leads_to_a_page_of_this_site(page_for: People, site: Site) -> None:
    page = page_for("alice", "/")
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")
    for number, link in enumerate(HOSTILE):
        site.python(f"""
            from django.db import transaction
            from notifications_hub import broadcast
            from notifications_hub.models import Event
            with transaction.atomic():
                broadcast(title="Sale {number}", url={THERE!r}, other_site=True)
                event = Event.objects.get(topic="everyone", seq=None)
                Event.objects.filter(pk=event.pk).update(data=event.data | {{"leads_to": {link!r}}})
        """)
        shown = page.locator("toast-stack .nh-toast").filter(has_text=f"Sale {number}").locator("a[data-part=link]")
        expect(shown).to_have_attribute("href", re.compile(r"^/notifications/a\d+/open/$"))
        expect(shown).not_to_contain_text("leads to")


def _expect_to_lead_away(link: Locator) -> None:
    expect(link).to_have_attribute("href", THERE)
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_contain_text("leads to other.example")


def _clicked(site: Site) -> str:
    return site.python("""
        from notifications_hub.models import Notification
        print(Notification.objects.filter(recipient__username="alice", clicked_at__isnull=False).exists())
    """).strip()
