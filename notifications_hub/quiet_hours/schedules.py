"""Read and store quiet hours, and look again at what they hold back when they change."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db.models.functions import Now

from notifications_hub import streams
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.models import QuietHours, stored_schedule
from notifications_hub.streams.models import inbox_topic
from notifications_hub.users import Person

CHANGED = "quiet_hours.updated"
"""The event that tells a person's open pages."""
DAYS_AHEAD = 14
"""Days of quiet hours that a page knows in advance. One that stays open longer shows toasts then."""
LOOKED_AT_AGAIN = 5000
"""The most deliveries of a person that a change makes due. Others keep their time."""

_ROUNDED = 10
"""Seconds. A delay that is longer than `ACK_WINDOW` by less counts as it: a worker was late."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """The quiet hours that hold now: when they end, and the stored schedule that says so."""

    until: datetime
    schedule: Mapping[str, Any]


def schedule_of(person: Person) -> Schedule | None:
    """Return what a person has stored, or None."""
    stored = QuietHours.objects.filter(pk=person.pk).values_list("schedule", flat=True).first()
    return stored_schedule(stored) if stored else None


def quiet_among(people: Collection[Any]) -> dict[Any, Quiet]:
    """Return the people, by primary key, whose quiet hours hold now. It takes one query."""
    now = datetime.now(UTC)
    found: dict[Any, Quiet] = {}
    for pk, stored in QuietHours.objects.filter(pk__in=people).values_list("pk", "schedule"):
        schedule = stored_schedule(stored)
        if schedule is not None and (until := schedule.quiet_until(now)):
            found[pk] = Quiet(until, stored)
    return found


def save_schedule(person: Person, schedule: Schedule) -> None:
    """Store a person's quiet hours, tell their open pages, and look again at what waits for the end of earlier ones."""
    with transaction.atomic():
        QuietHours.objects.update_or_create(person=person, defaults={"schedule": schedule.as_json()})
        streams.append(inbox_topic(person.pk), CHANGED, for_pages(schedule))
        # After the commit, because a worker that reads the earlier schedule may hold something back until then.
        transaction.on_commit(partial(reconsider, [person.pk]), robust=True)


def reconsider(people: Collection[Any]) -> None:
    """Make due what quiet hours hold back, so that a worker decides by the present schedule.

    Open pages get their time to show it first, because the person may be looking at one. A push gets its time before an
    email.
    """
    waiting = Delivery.objects.filter(held_for__in=people, state=DeliveryState.WAITING, claim=None)
    with transaction.atomic(savepoint=False):
        # As another worker's claim: what somebody else holds is decided there.
        locked = waiting.order_by("pk").select_for_update(no_key=True, skip_locked=True)
        by_wait: dict[float, list[int]] = defaultdict(list)
        for pk, parameters in locked.values_list("pk", "reason_parameters")[:LOOKED_AT_AGAIN]:
            by_wait[_wait_of(parameters)].append(pk)
        for seconds, ids in by_wait.items():
            Delivery.objects.filter(pk__in=ids).update(due_at=Now() + timedelta(seconds=seconds))


def _wait_of(parameters: Mapping[str, Any]) -> float:
    """Return the seconds that a delivery was to wait after quiet hours, rounded so that many take few statements."""
    window, delay = hub_settings.ack_window, parameters.get("delay", 0)
    return float(window if delay < window + _ROUNDED else math.ceil(delay / _ROUNDED) * _ROUNDED)


def changed_since(quiet: Mapping[Any, Quiet]) -> list[Any]:
    """Return the people whose stored schedule is not the given one any more. It takes one query."""
    stored = dict(QuietHours.objects.filter(pk__in=quiet.keys()).values_list("pk", "schedule"))
    return [pk for pk, one in quiet.items() if stored.get(pk) != one.schedule]


def for_pages(schedule: Schedule | None) -> dict[str, Any]:
    """Return the quiet hours of the next days as pages read them: spans in seconds since the epoch."""
    if schedule is None:
        return {"silent": False, "spans": []}
    now = datetime.now(UTC)
    spans = schedule.spans(now, DAYS_AHEAD)
    return {
        "silent": schedule.silent,
        "spans": [[int(max(start, now - timedelta(days=1)).timestamp()), int(end.timestamp())] for start, end in spans],
    }
