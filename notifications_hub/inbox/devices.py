"""The browsers that a person registered for pushes, as the preferences page lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.users import Person


@dataclass(frozen=True, slots=True)
class Device:
    """A registered browser. Its `label` differs from all others in the list."""

    id: str
    label: str
    created: datetime
    last_used: datetime | None
    held_back: bool


def devices_of(person: Person) -> list[Device]:
    browsers = list(PushSubscription.objects.filter(owner=person))
    labels = _labels(browsers)
    return [
        Device(
            id=str(browser.pk),
            label=labels[browser.pk],
            created=browser.created,
            last_used=browser.last_used,
            held_back=browser.quarantined_at is not None,
        )
        for browser in browsers
    ]


def _labels(browsers: Iterable[PushSubscription]) -> dict[int, str]:
    """Number browsers of the same name, oldest first, so that new ones change no label."""
    used: Counter[str] = Counter()
    labels = {}
    for browser in sorted(browsers, key=lambda one: one.pk):
        name = str(browser)
        used[name] += 1
        labels[browser.pk] = name if used[name] == 1 else f"{name} ({used[name]})"
    return labels
