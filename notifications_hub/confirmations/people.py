"""People of an announcement's audience who have not confirmed it. Most of them may have no row of it.

People are looked at in the order of their keys, a few at a time. So no statement reads more than a chunk of a million
people, whoever has confirmed.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model

from notifications_hub import audiences
from notifications_hub.announcements.models import Announcement
from notifications_hub.notification import Notification

CHUNK = 2000
"""People that one statement looks at."""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """People in the order of their keys. `following` is the key to go on after, or empty if nobody follows."""

    people: Sequence[Any]
    following: str


def unconfirmed_people(announcement: Announcement, after: str, most: int, seconds: float) -> PeoplePage:
    """Return people who have not confirmed it, after a key. The page may be short once the time is over."""
    until = time.monotonic() + seconds
    found: list[Any] = []
    while True:
        chunk = keys_after(announcement, after, CHUNK)
        found += waiting_among(announcement, chunk)
        if len(found) > most:
            return PeoplePage(_people(found[:most]), str(found[most - 1]))
        if len(chunk) < CHUNK:
            return PeoplePage(_people(found), "")
        after = str(chunk[-1])
        if time.monotonic() >= until:
            return PeoplePage(_people(found), after)


def keys_after(announcement: Announcement, after: str, most: int) -> list[Any]:
    """Return the keys of the audience's next people, in their order."""
    members = audiences.members(announcement.audience).order_by("pk")
    later = members.filter(pk__gt=key_of(after)) if after else members
    return list(later.values_list("pk", flat=True)[:most])


def waiting_among(announcement: Announcement, keys: Sequence[Any]) -> list[Any]:
    """Return those of these people who have not confirmed it. Both are in the order of keys."""
    done = confirmed_among(announcement, keys)
    return [key for key in keys if key not in done]


def confirmed_among(announcement: Announcement, keys: Sequence[Any]) -> set[Any]:
    """Return those of these people, in the order of their keys, who have confirmed it."""
    if not keys:
        return set()
    # A range of one index. For a list of so many keys, PostgreSQL may read the whole table.
    own = Notification.objects.filter(announcement=announcement, recipient__gte=keys[0], recipient__lte=keys[-1])
    confirmed = own.filter(acknowledged_at__isnull=False).order_by()
    return set(confirmed.values_list("recipient", flat=True)).intersection(keys)


def is_waiting(announcement: Announcement, key: Any) -> bool:
    """Return whether this person belongs to the audience and has not confirmed it."""
    members = audiences.members(announcement.audience).filter(pk=key)
    return members.exists() and not confirmed_among(announcement, [key])


def key_of(text: str) -> Any:
    """Return the key of a person. Raise Django's `ValidationError` if it is invalid."""
    return get_user_model()._meta.pk.to_python(text)


def _people(keys: Collection[Any]) -> list[Any]:
    return list(audiences.active_people().filter(pk__in=keys).order_by("pk")) if keys else []
