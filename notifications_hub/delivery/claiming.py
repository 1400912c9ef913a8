"""Claim deliveries that are due, and record their outcomes, in batches.

A claim is a lease: it moves `due_at` to the lease's end, so a row whose worker was killed becomes due again by itself.
The database's clock decides what is due, because the clocks of two workers may differ by more than a lease.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as a_field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from django.db import models
from django.db.models.functions import Now

from notifications_hub.announcements.results import tallies
from notifications_hub.database import transaction
from notifications_hub.database.primary import connection
from notifications_hub.delivery import bulk
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason
from notifications_hub.delivery.worker_life import new_claim
from notifications_hub.extension import joins
from notifications_hub.signals import SettledDelivery, delivery_settled, send_after_commit
from notifications_hub.telemetry import measures

LEASE = timedelta(seconds=55)
"""Longer than any transport may take. Another worker gets a killed worker's deliveries within a minute of the claim."""


def claim_due(limit: int = 100, *, rollout: int | None = None, held: int | None = None) -> list[Delivery]:
    """Claim deliveries that are due, under a lease, in the order they fell due. No two workers get the same one.

    They are those of one rollout, or all that belong to none. At most `held` of the latter have waited for quiet hours
    or a digest. Many of those fall due in the same second, so they come last, but get a quarter of each batch.
    """
    if rollout is not None:
        return _claim(limit, _due(rollout=rollout))
    most = limit if held is None else min(limit, held)
    return _claim(limit, _due(rollout=None, held_for=None), _due(rollout=None, held_for__isnull=False), most)


def _due(**part: Any) -> models.QuerySet[Delivery]:
    due = Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=Now(), **part)
    return due.order_by("due_at")


def _claim(
    limit: int, first: models.QuerySet[Delivery], last: models.QuerySet[Delivery] | None = None, most: int = 0
) -> list[Delivery]:
    """Claim those of `first`, and at most so many of `last`. Without any that is due, open no transaction."""
    is_first, is_last = _is_any(first), last is not None and most > 0 and _is_any(last)
    if not (is_first or is_last):
        return []
    claim = new_claim()
    with transaction.atomic():
        late = _locked(first, limit - (min(most, limit // 4) if is_last else 0)) if is_first else []
        if last is not None and is_last:
            late += _locked(last, min(most, limit - len(late)))
        ids = [one.pk for one in late]
        Delivery.objects.filter(pk__in=ids).update(claim=claim, due_at=Now() + LEASE)
    _measure(late)
    return whole(ids, claim)


def _is_any(due: models.QuerySet[Delivery]) -> bool:
    # Not `exists`, which drops the order: without it PostgreSQL may read the whole table.
    return due.values_list("pk").first() is not None


class _Late(NamedTuple):
    pk: int
    transport: str
    due_at: datetime
    clock: datetime


def _locked(due: models.QuerySet[Delivery], limit: int) -> list[_Late]:
    rows = due.select_for_update(skip_locked=True).values_list("pk", "transport", "due_at", Now())
    return [_Late(*row) for row in rows[:limit]]


def _measure(late: Iterable[_Late]) -> None:
    for one in late:
        wait = (one.clock - one.due_at).total_seconds()
        measures.delivery_wait.labels(one.transport).observe(max(0.0, wait))


# Its name is an attribute that the model declares, so the type checker must not see it as a new one.
_LOADED: Mapping[str, Now] = {"loaded_at": Now()}


def whole(ids: Collection[int], claim: uuid.UUID) -> list[Delivery]:
    """Return claimed deliveries with all that a worker needs of them, in the order of their keys.

    Those of one announcement share its instance. One that was just deleted takes its deliveries along.
    """
    claimed = Delivery.objects.filter(pk__in=ids, claim=claim).annotate(**_LOADED).order_by("pk")
    found = claimed.select_related(*(f"notification__{name}" for name in ("recipient", *joins())))
    return [one for one in found.prefetch_related("notification__announcement__translations") if _is_complete(one)]


def _is_complete(one: Delivery) -> bool:
    return one.notification.announcement_id is None or one.notification.announcement is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The result of an attempt, or the reason for none. A waiting delivery is due again in `retry_in` seconds.

    `status` comes from a transport, which may be a host's own: a value that is not an HTTP status is dropped. `held`
    means that quiet hours or a digest hold the delivery back. `summary` is the delivery whose message summed this one
    up. While it waits, it names its group.
    """

    state: DeliveryState
    reason: DeliveryReason
    status: int | None = None
    retry_in: float = 0.0
    attempted: bool = True
    held: bool = False
    summary: int | None = None
    at: datetime = a_field(default_factory=lambda: datetime.now(UTC))

    @property
    def label(self) -> str:
        """Return the outcome's name in the metrics."""
        if self.state is DeliveryState.WAITING:
            return "held" if self.held else "retried" if self.attempted else "put_off"
        return self.state.value

    def __post_init__(self) -> None:
        if type(self.status) is not int or not 0 <= self.status < 1000:
            object.__setattr__(self, "status", None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The outcomes of a claimed delivery: the last one decides, and each is kept in the trail."""

    delivery: Delivery
    outcomes: Sequence[Outcome]

    @property
    def is_over(self) -> bool:
        return self.outcomes[-1].state is not DeliveryState.WAITING

    @property
    def is_end(self) -> bool:
        """Return whether a notification's delivery ended. A retraction is of no interest to a host."""
        return self.is_over and not self.delivery.is_retraction


_RECORD = """
    UPDATE notifications_hub_delivery AS delivery SET
        claim = NULL, state = outcome.state, reason = outcome.reason, reason_parameters = outcome.reason_parameters,
        attempts = outcome.attempts, trail = outcome.trail, summary_id = outcome.summary,
        held_for_id = CASE WHEN outcome.held THEN (
            SELECT recipient_id FROM notifications_hub_notification WHERE id = delivery.notification_id
        ) ELSE delivery.held_for_id END,
        due_at = CASE WHEN outcome.state = 'waiting' THEN outcome.moment ELSE delivery.due_at END,
        settled_at = CASE WHEN outcome.state = 'waiting' THEN NULL ELSE outcome.moment END
    FROM {outcome} WHERE delivery.id = outcome.pk AND delivery.claim = outcome.claim
"""
# One parameter holds all rows: thousands of parameters take the driver longer than the database.
_OUTCOMES = {
    "postgresql": """jsonb_to_recordset(CAST(%s AS jsonb)) AS outcome(
        pk bigint, claim uuid, state text, reason text, reason_parameters jsonb, attempts int, trail jsonb,
        held boolean, summary bigint, moment timestamptz)""",
    "sqlite": """(SELECT value ->> 'pk' AS pk, value ->> 'claim' AS claim, value ->> 'state' AS state,
        value ->> 'reason' AS reason, value -> 'reason_parameters' AS reason_parameters,
        value ->> 'attempts' AS attempts, value -> 'trail' AS trail, value ->> 'held' AS held,
        value ->> 'summary' AS summary, value ->> 'moment' AS moment
        FROM json_each(%s)) AS outcome""",
}


def record(settled: Collection[Settled]) -> None:
    """Record outcomes in one statement, except where another worker has the lease by now."""
    if not settled:
        return
    _record_all(settled)
    for one in settled:
        for outcome in one.outcomes:
            measures.deliveries.labels(one.delivery.transport, outcome.label).inc()


def _record_all(settled: Collection[Settled]) -> None:
    bulky = [one for one in settled if one.delivery.rollout_id is not None]
    if bulky:
        with transaction.atomic():
            recorded = _record(settled, returning=True)
            counted = [one for one in bulky if one.delivery.pk in recorded]
            bulk.count(_counted(counted))
            tallies.tally_failures(_failed(counted), datetime.now(UTC))
    else:
        recorded = _record(settled, returning=delivery_settled.has_listeners(Delivery))
    if not delivery_settled.has_listeners(Delivery):
        return
    if ended := tuple(_ended(one) for one in settled if one.delivery.pk in recorded and one.is_end):
        send_after_commit(delivery_settled, Delivery, deliveries=ended)


def _record(settled: Collection[Settled], *, returning: bool) -> set[int]:
    ahead = _clock_ahead(settled)
    rows = json.dumps([_columns(one, ahead) for one in settled])
    statement = _RECORD.format(outcome=_OUTCOMES[connection.vendor])
    with connection.cursor() as sql:
        sql.execute(f"{statement} RETURNING id" if returning else statement, [rows])
        return {pk for (pk,) in sql.fetchall()} if returning else set()


def _counted(settled: Iterable[Settled]) -> dict[int, Counter[DeliveryState]]:
    counts: dict[int, Counter[DeliveryState]] = {}
    for one in settled:
        if one.delivery.rollout_id is not None and one.is_over:
            counts.setdefault(one.delivery.rollout_id, Counter())[one.outcomes[-1].state] += 1
    return counts


def _failed(settled: Iterable[Settled]) -> Iterator[tuple[int, str, DeliveryReason]]:
    """Yield the announcement, transport and reason of each that failed. A retraction brings nobody anything."""
    for one in settled:
        announcement = one.delivery.notification.announcement_id
        if announcement and one.is_end and one.outcomes[-1].state is DeliveryState.FAILED:
            yield announcement, one.delivery.transport, one.outcomes[-1].reason


def _ended(settled: Settled) -> SettledDelivery:
    one, last = settled.delivery, settled.outcomes[-1]
    return SettledDelivery(one.notification_id, one.transport, one.address, last.state, last.reason, last.at)


def _clock_ahead(settled: Collection[Settled]) -> timedelta:
    """Return how far the database's clock is ahead of this machine's. Due times use the database's clock."""
    waiting = [one.delivery.pk for one in settled if one.outcomes[-1].state is DeliveryState.WAITING]
    clock = Delivery.objects.filter(pk__in=waiting[:1]).annotate(clock=Now()).values_list("clock", flat=True)
    return next((now - datetime.now(UTC) for now in clock), timedelta())


def _columns(settled: Settled, ahead: timedelta) -> Mapping[str, Any]:
    one, last = settled.delivery, settled.outcomes[-1]
    moment = last.at + timedelta(seconds=last.retry_in) + ahead if last.state is DeliveryState.WAITING else last.at
    return {
        "pk": one.pk,
        "claim": stored("claim", one.claim),
        "state": last.state.value,
        "reason": last.reason.code.value,
        "reason_parameters": last.reason.parameters,
        "attempts": one.attempts + sum(outcome.attempted for outcome in settled.outcomes),
        "trail": _trail(one, settled.outcomes),
        "held": last.held,
        "summary": last.summary,
        "moment": stored("due_at", moment),
    }


def stored(column: str, value: object) -> str:
    """Return a value in this database's stored form, because SQLite compares times as text."""
    field = cast("models.Field[Any, Any]", Delivery._meta.get_field(column))
    return str(field.get_db_prep_save(value, connection=connection))


def _trail(one: Delivery, outcomes: Iterable[Outcome]) -> list[Mapping[str, Any]]:
    trail = list(one.trail)
    for outcome in outcomes:
        entry = _entry(outcome)
        # The same postponement is kept once: it may repeat thousands of times.
        if outcome.attempted or not (trail and _is_same(trail[-1], entry)):
            trail.append(entry)
    return trail


def _entry(outcome: Outcome) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "at": outcome.at.isoformat(),
        "state": outcome.state.value,
        "reason": outcome.reason.code.value,
    }
    if outcome.reason.parameters:
        entry["parameters"] = dict(outcome.reason.parameters)
    if outcome.status is not None:
        entry["status"] = outcome.status
    if not outcome.attempted:
        entry["attempted"] = False
    return entry


def _is_same(last: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    return {**last, "at": ""} == {**entry, "at": ""}
