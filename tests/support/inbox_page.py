"""The inbox page of a site: its rows, and the parts of the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, Page

if TYPE_CHECKING:
    from tests.support.site import Site

PATH = "/notifications/"

WAVES = """
    from datetime import UTC, datetime, timedelta
    from accounts.models import User
    from notifications.signals import notify
    from notifications_hub.models import Notification
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    Notification.objects.filter(recipient=alice).delete()

    def wave(count, level="info"):
        for number in range(1, count + 1):
            given = {"url": f"/notifications/preferences/?{number}", "level": level}
            notify.send(bob, recipient=alice, verb=f"waved {number}", description="A fine day. " * 4, **given)

    def spread(hours):
        for number, row in enumerate(Notification.objects.filter(recipient=alice).order_by("-pk")):
            at = datetime.now(UTC) - timedelta(hours=hours * number)
            Notification.objects.filter(pk=row.pk).update(timestamp=at)
"""
"""For `Site.python`: `wave(3)` sends Alice three notifications, and `spread(2)` sets them two hours apart."""


def card(page: Page, number: int) -> Locator:
    return page.locator(".nh-card").filter(has_text=re.compile(rf"waved {number}\b"))


def button(page: Page, number: int, action: str) -> Locator:
    return card(page, number).locator(f"button[value={action}]")


def notice(page: Page) -> Locator:
    return page.locator("inbox-page > .nh-notice[data-undo]")


def ready(page: Page) -> Page:
    page.locator("inbox-page[data-ready]").wait_for()
    # A reload would lose this.
    page.evaluate("window.stayed = true")
    return page


def archived(site: Site) -> str:
    return site.python("print(Notification.objects.filter(recipient=alice, archived_at__isnull=False).count())").strip()


def unread(site: Site) -> str:
    return site.python("print(Notification.objects.filter(recipient=alice, unread=True).count())").strip()
