"""Removal of old rows of inboxes, by kind and state. Nothing removes them unless a host asks for it.

It runs in short transactions. Open pages lose the rows at once, and the events lose their data.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet

from notifications_hub import streams
from notifications_hub.database import transaction
from notifications_hub.notification import Notification

RANGE = 20_000
"""Keys that one statement looks through."""
ROWS = 250
"""The most rows that one transaction deletes."""


class InboxState(StrEnum):
    """The rows of an inbox to remove."""

    ARCHIVED = "archived"
    READ = "read"
    """Read, and not archived."""
    UNREAD = "unread"
    """Neither read nor archived: people may not have seen them."""
    ALL = "all"


_STATES: dict[InboxState, dict[str, Any]] = {
    InboxState.ARCHIVED: {"archived_at__isnull": False},
    InboxState.READ: {"unread": False, "archived_at": None},
    InboxState.UNREAD: {"unread": True, "archived_at": None},
    InboxState.ALL: {},
}

_KEPT: dict[str, Any] = {"saved_at": None, "snoozed_until": None}


def prune_inboxes(before: datetime, state: InboxState, kinds: Collection[str] = ()) -> int:
    """Remove the rows of a state that were made before a moment, of these kinds or of all. Return how many.

    A row of an announcement stays: without it, a running announcement would come back as unread. So does what the
    person has saved, and what they snoozed, which must come back. Its age then counts from its return.
    """
    return sum(_remove(rows) for rows in _old(before, state, kinds))


def prunable_rows(before: datetime, state: InboxState, kinds: Collection[str] = ()) -> int:
    """Count the rows that `prune_inboxes` would remove."""
    return sum(rows.count() for rows in _old(before, state, kinds))


def _old(before: datetime, state: InboxState, kinds: Collection[str]) -> Iterator[QuerySet[Notification]]:
    """Yield the old rows, in ranges of keys, until a range begins with a row made too late: keys ascend with time."""
    rows = Notification.objects.order_by("pk")
    # What came back from a snooze has a new time.
    wanted = rows.filter(committed_at__lt=before, timestamp__lt=before, announcement=None, **_KEPT, **_STATES[state])
    if kinds:
        wanted = wanted.filter(kind__in=kinds)
    last = 0
    while (first := rows.filter(pk__gt=last).values_list("pk", "committed_at").first()) and first[1] < before:
        last = first[0] + RANGE
        yield wanted.filter(pk__gte=first[0], pk__lte=last)


def _remove(rows: QuerySet[Notification]) -> int:
    removed = 0
    while ids := list(rows.values_list("pk", flat=True)[:ROWS]):
        began = time.monotonic()
        with transaction.atomic():
            Notification.objects.filter(pk__in=ids).delete()
        streams.give_way(time.monotonic() - began)
        removed += len(ids)
    return removed
