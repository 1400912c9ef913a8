"""The inbox page in a browser: its rows, buttons and notice, and people's notifications to fill it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.support.site import Site

PATH = "/notifications/"


def prepare(site: Site) -> None:
    """Empty Alice's inbox, and define `wave(count)` and `spread(hours)` in the site's shell."""
    site.python("""
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
    """)


def ready(page: Page) -> Page:
    """Wait for the page's script, and note that the page was not reloaded since."""
    page.locator("inbox-page[data-ready]").wait_for()
    page.evaluate("window.stayed = true")
    return page


def card(page: Page, number: int) -> Locator:
    return page.locator(".nh-card").filter(has_text=re.compile(rf"waved {number}\b"))


def button(page: Page, number: int, action: str) -> Locator:
    return card(page, number).locator(f"button[value={action}]")


def notice(page: Page) -> Locator:
    return page.locator("inbox-page > .nh-notice[data-undo]")


def news(page: Page) -> Locator:
    return page.locator("[data-part=news]")


def archived(site: Site) -> str:
    return site.python("print(Notification.objects.filter(recipient=alice, archived_at__isnull=False).count())").strip()


def unread(site: Site) -> str:
    return site.python("print(Notification.objects.filter(recipient=alice, unread=True).count())").strip()
