"""Read and store people's schedules, and look again at what waits for them when they change."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models.functions import Now

from notifications_hub import streams
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.database.primary import from_primary
from notifications_hub.delivery.digest_choices import digest_of, digests_by_kind
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.kinds import Digest, kind_of
from notifications_hub.message import time_zone_of
from notifications_hub.quiet_hours.calendar import Schedule, known_zones
from notifications_hub.quiet_hours.models import QuietHours, stored_schedule
from notifications_hub.streams.models import inbox_topic
from notifications_hub.users import Person

CHANGED = "quiet_hours.updated"
"""The event that tells a person's open pages."""
DAYS_AHEAD = 14
"""Days of quiet hours that a page knows in advance. One that stays open longer shows toasts then."""
LOOKED_AT_AGAIN = 5000
"""The most deliveries of a person that a change makes due. Others keep their time."""

WAITS = (ReasonCode.QUIET_HOURS, ReasonCode.DIGEST)
"""The reasons of what a schedule holds back. Others wait for another attempt."""
_ROUNDED = 10
"""Seconds. A delay that is longer than `ACK_WINDOW` by less counts as it: a worker was late."""


def schedule_of(person: Person) -> Schedule | None:
    """Return what a person has stored, or None."""
    stored = QuietHours.objects.filter(pk=person.pk).values_list("schedule", flat=True).first()
    return stored_schedule(stored) if stored else None


def default_schedule(person: Person) -> Schedule:
    """Return a schedule without quiet hours, in the zone that the site knows of the person."""
    zone = str(time_zone_of(person))
    return Schedule(zone=zone if zone in known_zones() else "UTC")


def stored_among(people: Collection[Any]) -> dict[Any, Mapping[str, Any]]:
    """Map people, by primary key, to the schedules that they have stored. It takes one query."""
    return dict(QuietHours.objects.filter(pk__in=people).values_list("pk", "schedule"))


def save_schedule(person: Person, schedule: Schedule) -> None:
    """Store a person's schedule, tell their open pages, and look again at what waits for an earlier one."""
    with transaction.atomic():
        QuietHours.objects.update_or_create(person=person, defaults={"schedule": schedule.as_json()})
        streams.append(inbox_topic(person.pk), CHANGED, for_pages(schedule))
        look_again_at(person.pk)


def look_again_at(person_pk: Any) -> None:
    """Look again at what waits for a person, after the commit.

    A worker that reads the earlier schedule may hold something back until then.
    """
    transaction.on_commit(partial(reconsider, [person_pk]), robust=True)


def reconsider(people: Collection[Any]) -> None:
    """Give what waits for each person its time by their present schedule. What is being sent stays as it is.

    What quiet hours hold back is due, so a worker decides. Open pages get their time to show it first, because the
    person may be looking at one. A push gets its time before an email.
    """
    for person_pk in people:
        with transaction.atomic(savepoint=False):
            _reconsider(person_pk)


def _reconsider(person_pk: Any) -> None:
    waiting = Delivery.objects.filter(held_for=person_pk, state=DeliveryState.WAITING, claim=None, reason__in=WAITS)
    # As another worker's claim: what somebody else holds is decided there.
    locked = waiting.order_by("pk").select_for_update(no_key=True, skip_locked=True)
    by_wait: dict[float, list[int]] = defaultdict(list)
    digested: list[int] = []
    for pk, reason, parameters in locked.values_list("pk", "reason", "reason_parameters")[:LOOKED_AT_AGAIN]:
        (digested if reason == ReasonCode.DIGEST else by_wait[_wait_of(parameters)]).append(pk)
    for seconds, ids in by_wait.items():
        Delivery.objects.filter(pk__in=ids).update(due_at=Now() + timedelta(seconds=seconds))
    if digested:
        _move(person_pk, digested)


def _move(person_pk: Any, waiting: Collection[int]) -> None:
    """Move deliveries that wait for a digest to the next one of their kinds."""
    chosen, schedule = digests_by_kind(person_pk), _schedule_of(person_pk)
    by_digest: dict[Digest, list[int]] = defaultdict(list)
    for pk, kind in Delivery.objects.filter(pk__in=waiting).values_list("pk", "notification__kind"):
        by_digest[digest_of(kind_of(kind), chosen.get(kind))].append(pk)
    now = datetime.now(UTC)
    for digest, ids in by_digest.items():
        moved = Delivery.objects.filter(pk__in=ids)
        if digest is Digest.AT_ONCE:
            moved.update(due_at=Now() + timedelta(seconds=hub_settings.ack_window))
        else:
            at = schedule.next_digest(digest, now)
            moved.update(due_at=Now() + (at - now), reason_parameters=until_digest(digest, at).parameters)


def until_digest(digest: Digest, at: datetime) -> DeliveryReason:
    """Return the reason of what waits for a digest. It is to the minute, so that the same wait is one entry."""
    return DeliveryReason.of(ReasonCode.DIGEST, until=in_minutes(at), digest=digest.value)


def in_minutes(at: datetime) -> str:
    """Return a time in UTC as reasons name it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _schedule_of(person_pk: Any) -> Schedule:
    person = from_primary(get_user_model()._base_manager.filter(pk=person_pk)).first()
    return Schedule() if person is None else schedule_of(person) or default_schedule(person)


def _wait_of(parameters: Mapping[str, Any]) -> float:
    """Return the seconds that a delivery was to wait after quiet hours, rounded so that many take few statements."""
    window, delay = hub_settings.ack_window, parameters.get("delay", 0)
    return float(window if delay < window + _ROUNDED else math.ceil(delay / _ROUNDED) * _ROUNDED)


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
