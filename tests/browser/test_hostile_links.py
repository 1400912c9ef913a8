"""Hostile links that bypass the model's checks: no page links off the site or runs a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.support.full import FULL
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

HOSTILE = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\tjavascript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:alert(1)",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    "https:evil.example/",
    "https:/evil.example/",
    "https://evil.example/",
    "mailto:eve@evil.example",
    "blob:https://evil.example/1",
]
ONE_OF_EACH = [HOSTILE[0], *HOSTILE[2:4], HOSTILE[7], HOSTILE[9], HOSTILE[13]]
"""A link of each type, for slow steps: those that load a page or wait for a toast per link."""
EXTERNAL_LINKS = """(root) => [...root.querySelectorAll("a[href], area[href], form[action], button[formaction]")]
  .map((link) => new URL(link.href ?? link.formAction ?? link.action, document.baseURI))
  .filter((url) => url.origin !== location.origin)
  .map(String)"""
PREPARED = f"""
    import json
    from django.db import transaction
    from accounts.models import User
    from notifications.signals import notify
    from notifications_hub import streams
    from notifications_hub.models import Event, Notification
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))

    def stored(url, verb="hostile"):
        [row] = notify.send(bob, recipient=alice, verb=verb)[0][1]
        Notification.objects.filter(pk=row.pk).update(url=url)
        return row.item_id

    def logged(url, verb):
        with transaction.atomic():
            stored(url, verb)
            event = Event.objects.get(topic=streams.inbox_topic(alice.pk), seq=None)
            Event.objects.filter(pk=event.pk).update(data=event.data | {{"url": url}})

    hostile = {HOSTILE!r}
"""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.python(PREPARED)
    return quiet_site


@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
def test_stored_external_links_are_rendered_on_no_page_nor_in_the_bell(page_for: People, site: Site) -> None:
    """Open the page of why each type was sent, or of two types without `FULL=1`: lists have all links anyway."""
    page_for("alice", "/healthz").close()
    ids = json.loads(site.python("print(json.dumps([stored(url) for url in hostile]))"))
    page = page_for("alice", "/")
    dialogs = _dialogs_of(page)
    expect(page.locator(".messages").get_by_text("hostile").first).to_be_visible()
    _expect_no_external_links(page)

    _open_bell(page)
    _expect_no_external_links(page)
    page.locator("notification-bell [data-part=list] li [data-part=title]").first.click()
    _expect_same_site(page, site)

    page.goto(f"{site.url}/notifications/")
    expect(page.locator("main").get_by_text("hostile").first).to_be_visible()
    _expect_no_external_links(page)

    for pk in (pk for pk, url in zip(ids, HOSTILE, strict=True) if url in (ONE_OF_EACH if FULL else ONE_OF_EACH[::3])):
        page.goto(f"{site.url}/notifications/{pk}/why/")
        expect(page.locator("main").get_by_text("hostile").first).to_be_visible()
        _expect_no_external_links(page)
    assert not dialogs


def test_logged_external_links_are_rendered_neither_in_toasts_nor_in_the_bell(page_for: People, site: Site) -> None:
    page = page_for("alice", "/")
    dialogs = _dialogs_of(page)
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")
    _open_bell(page)
    site.python("for number, url in enumerate(hostile): logged(url, f'put {number} in the bell')")
    last = page.locator("notification-bell [data-part=list] li").filter(has_text=f"put {len(HOSTILE) - 1} in the bell")
    expect(last).to_be_visible()
    _expect_no_external_links(page)
    page.keyboard.press("Escape")
    for number, url in enumerate(ONE_OF_EACH):
        site.python(f"logged({url!r}, 'toasted {number}')")
        toast = page.locator("toast-stack .nh-toast").filter(has_text=f"toasted {number}")
        expect(toast).to_be_visible()
        _expect_no_external_links(page)
        toast.locator("[data-part=title]").click()
        expect(toast).to_have_count(0)
        _expect_same_site(page, site)
    assert not dialogs


def _open_bell(page: Page) -> None:
    page.locator("notification-bell button").first.click()


def _expect_no_external_links(page: Page) -> None:
    assert page.locator("body").evaluate(EXTERNAL_LINKS) == []


def _expect_same_site(page: Page, site: Site) -> None:
    assert page.url.startswith(site.url + "/")


def _dialogs_of(page: Page) -> list[str]:
    """Return a list that collects the messages of dialogs, which hostile scripts would open."""
    messages: list[str] = []

    def note(dialog: Dialog) -> None:
        messages.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return messages
