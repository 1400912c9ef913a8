"""The preferences page lists the browsers that get pushes, and says so if there are none."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from notifications_hub.transports.web_push import vapid
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.inbox.support import ClientFor

if TYPE_CHECKING:
    from accounts.models import User

PREFERENCES = "/notifications/preferences/"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("key", "browsers", "because"),
    [
        (True, [], "No browser gets your push notifications yet."),
        (True, [False], ""),
        (True, [True], "Push notifications are paused."),
        (False, [False], "This site isn&#x27;t sending push notifications at the moment."),
    ],
)
def test_the_page_says_that_push_switches_have_no_effect_without_a_browser(
    alice: User, client_for: ClientFor, settings: Any, *, key: bool, browsers: list[bool], because: str
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": vapid.generate() if key else ""}
    for is_paused in browsers:
        since = datetime.now(UTC) if is_paused else None
        PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x", quarantined_at=since)
    shown = client_for(alice).get(PREFERENCES).content.decode()
    notes = re.findall(r'<[^>]*data-part="push-idle"[^>]*>', shown)

    assert notes
    assert all(("hidden" not in note) == bool(because) for note in notes)
    assert because in shown


def test_buttons_of_browsers_with_the_same_name_have_names_of_their_own(
    alice: User, client_for: ClientFor, settings: Any
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": vapid.generate()}
    for number in range(2):
        endpoint = f"https://push.example/{number}"
        PushSubscription.objects.create(
            owner=alice, endpoint=endpoint, endpoint_hash=str(number), name="Firefox on Linux"
        )
    shown = client_for(alice).get(PREFERENCES).content.decode()
    names = re.findall(r'aria-label="((?:Remove|Send a test to) [^"]*)"', shown)

    browsers = ("Firefox on Linux (2)", "Firefox on Linux")
    assert names == [f"{action} {browser}" for browser in browsers for action in ("Send a test to", "Remove")]
