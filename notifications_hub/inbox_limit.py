"""The chore that removes the oldest notifications of people who have more than `INBOX_LIMIT`. It is off by default.

It walks through new keys and looks at the inboxes of some of their people, chosen at random. An inbox that gets nothing
costs nothing, and a limit ten times as high does not make a notification dearer. So an inbox exceeds the limit by some
dozens. Only what a person has read or archived is removed, and nothing that they saved, snoozed or have yet to confirm.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from sys import maxsize
from typing import Any

from django.db import models
from django.utils import timezone

from notifications_hub import streams
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.database.primary import HubModel
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.notification_queryset import UNCONFIRMED
from notifications_hub.streams.sweeper import Isolation, every_second
from notifications_hub.tallying.folding import PAUSE, TURN_SECONDS

STEP = 500
"""Keys of new notifications that one step looks at."""
COUNTED = 160
"""Entries of an index that a notification costs on average, whatever the limit is."""
LOOKED_AT = 500
"""Rows beyond the limit that one look goes through at a place: unread ones may be among them, and stay."""
ROWS = 250
"""The most rows that one look removes, in one transaction. The next look goes on."""

_Place = tuple[datetime, int]
"""The time and the key of a row, by which an inbox is in order."""
_Places = models.QuerySet[Notification, _Place]

_isolation: Isolation[Any] = Isolation(longest=3600.0)
_DONE = models.Q(unread=False) | models.Q(archived_at__isnull=False)
_REMOVABLE = _DONE & models.Q(announcement=None, saved_at=None, snoozed_until=None) & ~UNCONFIRMED


class InboxWalk(HubModel):
    """The one row of the chore: the people of notifications up to `through` had their turn."""

    through = models.BigIntegerField(default=0)
    turned_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"walked to {self.through}"


@every_second
def limit_inboxes() -> None:
    """Look at inboxes that got something. Without a limit it asks nothing, and between two turns one short question."""
    if not hub_settings.inbox_limit:
        return
    now = datetime.now(UTC)
    walk = InboxWalk.objects.filter(pk=1).first()
    if walk is None:
        # What is there already waits until its person gets something.
        newest = Notification.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        InboxWalk.objects.get_or_create(pk=1, defaults={"through": newest})
    elif walk.turned_at <= now - PAUSE and _turn(walk).update(turned_at=now):
        until = time.monotonic() + TURN_SECONDS
        while _step(walk) and time.monotonic() < until:
            pass


def trim(person_pk: Any, most: int) -> int:
    """Remove what is beyond a person's newest `most` notifications and may go. Return how many were removed."""
    rows = Notification.objects.filter(recipient=person_pk).order_by("-timestamp", "-pk")
    places = rows.values_list("timestamp", "pk")
    first = next(iter(places[most : most + 1]), None)
    if first is None:
        return 0
    beyond = _from(places, first)
    removed = _remove(beyond)
    if removed < ROWS and len(beyond) >= LOOKED_AT:
        # All of these may be unread. So another stretch has its turn too, at random, so that none is left out for ever.
        removed += _remove(_from(places, _somewhere_before(places, beyond[-1])))
    return removed


def _from(places: _Places, first: _Place) -> list[_Place]:
    """Return the first place, if there is a row, and those after it, which are older."""
    return [place for place in places.filter(timestamp__lte=first[0])[: LOOKED_AT + 1] if place <= first]


def _somewhere_before(places: _Places, last: _Place) -> _Place:
    oldest = next(iter(places.reverse()[:1]), last)
    return oldest[0] + (last[0] - oldest[0]) * random.random(), maxsize  # noqa: S311 -- a sample


def _remove(places: list[_Place]) -> int:
    began = time.monotonic()
    with transaction.atomic():
        rows = _removable([pk for _timestamp, pk in places]).select_for_update(no_key=False)
        ids = list(rows.values_list("pk", flat=True)[:ROWS])
        Notification.objects.filter(pk__in=ids).delete()
    streams.give_way(time.monotonic() - began)
    return len(ids)


def _turn(walk: InboxWalk) -> models.QuerySet[InboxWalk]:
    """Return the row, if no other process has begun a turn."""
    return InboxWalk.objects.filter(pk=walk.pk, turned_at=walk.turned_at)


def _step(walk: InboxWalk) -> bool:
    """Give the next people their turn, and return whether there may be more. If it is killed, it is repeated."""
    most = hub_settings.inbox_limit
    rows = Notification.objects.filter(pk__gt=walk.through).order_by("pk").values_list("pk", "recipient_id")
    page = list(rows[:STEP])
    chosen = {person for _pk, person in page if random.random() < COUNTED / most}  # noqa: S311 -- a sample
    for person_pk in chosen.difference(_isolation.resting()):
        # A host's models or receivers may forbid a removal, which must not keep others from their turn.
        with _isolation.guard(person_pk, f"Removing the oldest notifications of person {person_pk}"):
            trim(person_pk, most)
    if page:
        walk.through = page[-1][0]
        walk.save(update_fields=["through"])
    return len(page) == STEP


def _removable(keys: list[int]) -> InboxQuerySet:
    """Return the rows that may go: those that people removed, and those that they are done with.

    They are in the order in which a person's own changes lock them, so that neither waits for the other for ever.
    """
    rows = Notification.objects.filter(pk__in=keys).order_by("pk")
    return rows.filter(models.Q(deleted=True, announcement=None) | _REMOVABLE)
