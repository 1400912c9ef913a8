"""Plan deliveries in the transaction that makes the notification, and cancel them.

A delivery is due once open pages have had time to acknowledge the notification; an acknowledgement cancels it.
Deliveries of people who are away are brought forward after the commit. In `claiming.py` workers claim and record them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import models
from django.db.models.functions import Greatest, Now
from django.dispatch import Signal

from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.notification import Notification
from notifications_hub.notification_queryset import UNCONFIRMED
from notifications_hub.signals import SettledDelivery, delivery_settled, send_after_commit
from notifications_hub.streams.numberer import run_soon
from notifications_hub.telemetry.origin import current_origin

AWAY_SECONDS = 3.0
"""The delay of a push that is brought forward, because the next page may follow the one a person just left."""
PROMPT_SECONDS = 1.0
"""A commit this soon after the write leaves pages enough time to acknowledge."""


armed = Signal()
"""Sent after the commit with `notifications`, the primary keys of those that have deliveries. Only a hint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A delivery to send after `delay` seconds, unless another method delivers the notification first.

    Without a `delay`, open pages have `ACK_WINDOW` to show it. With `escalation`, the number of a step, it is sent even
    if another method has delivered it. `wake` is how often it has come back from a snooze.
    """

    notification_pk: int
    transport: str
    address: str
    delay: float | None = None
    escalation: int = 0
    wake: int = 0


def arm(plans: Iterable[Plan]) -> None:
    """Plan deliveries in the caller's transaction, so that a push is as certain as the notification itself."""
    origin = current_origin()
    rows = [
        Delivery(
            notification_id=plan.notification_pk,
            transport=plan.transport,
            address=plan.address[:255],
            due_at=Now() + timedelta(seconds=hub_settings.ack_window if plan.delay is None else plan.delay),
            escalation=plan.escalation,
            wake=plan.wake,
            origin=origin,
        )
        for plan in plans
    ]
    if rows:
        Delivery.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
        announce({row.notification_id for row in rows})


def announce(notifications: Collection[int]) -> None:
    """Send `armed` after the commit, if there are any."""
    if notifications:
        transaction.on_commit(partial(armed.send_robust, sender=Delivery, notifications=notifications), robust=True)


def count_from_commit(notifications: Collection[int]) -> None:
    """Start the acknowledgement window of open pages at the commit. Call it before `arm`, where the rows are made.

    After a long transaction, pages would otherwise have next to no time to show and acknowledge. A process killed
    between the commit and this leaves the old times. Then a page may show what a push or a flash shows too.
    """
    transaction.on_commit(partial(_check_window, notifications, began=time.monotonic()), robust=True)


def _check_window(notifications: Collection[int], *, began: float) -> None:
    if not is_prompt(began):
        run_soon(partial(_restart_window, notifications))


def _restart_window(notifications: Collection[int]) -> None:
    undelivered = Notification.objects.filter(pk__in=notifications, delivered_at=None)
    _change(undelivered, skip_locked=True, committed_at=datetime.now(UTC))
    window = Now() + timedelta(seconds=hub_settings.ack_window)
    # A transport with a longer delay keeps it.
    _change(_unclaimed(notifications), skip_locked=True, due_at=Greatest("due_at", window))


def is_prompt(began: float) -> bool:
    """Return whether a transaction that wrote at `began`, by `time.monotonic`, committed soon enough."""
    return time.monotonic() - began <= PROMPT_SECONDS


def bring_forward(notifications: Collection[int]) -> int:
    """Send soon to people who are certainly away, because no page will acknowledge. Return the number of deliveries.

    Those with a longer delay than `ACK_WINDOW` wait for other transports too, so they keep it.
    """
    soon = Now() + timedelta(seconds=AWAY_SECONDS)
    window = Now() + timedelta(seconds=hub_settings.ack_window)
    later = _unclaimed(notifications).filter(attempts=0, due_at__gt=soon, due_at__lte=window)
    return _change(later, skip_locked=True, due_at=soon)


def disarm(notifications: Collection[int], reason: DeliveryReason) -> int:
    """Cancel deliveries that no worker has claimed, and return how many. One that is being sent cannot be recalled.

    Those of an escalation go on if another method has merely delivered the notification, and if it was merely read
    although it must be confirmed.
    """
    waiting = _unclaimed(notifications)
    if reason.code is ReasonCode.DELIVERED_BY:
        waiting = waiting.filter(escalation=0)
    elif reason.code is not ReasonCode.DELETED:
        unconfirmed = Notification.objects.filter(UNCONFIRMED, pk=models.OuterRef("notification_id"))
        waiting = waiting.filter(models.Q(escalation=0) | ~models.Exists(unconfirmed))
    with transaction.atomic(savepoint=False):
        cancelled = _lock(waiting)
        cancel(cancelled, reason)
        return len(cancelled)


def cancel(deliveries: Collection[int], reason: DeliveryReason) -> None:
    """Cancel deliveries that the caller's transaction has locked."""
    now = datetime.now(UTC)
    why: dict[str, Any] = {"reason": reason.code, "reason_parameters": reason.parameters}
    _update(Delivery, deliveries, state=DeliveryState.CANCELLED, claim=None, settled_at=now, **why)
    if deliveries and delivery_settled.has_listeners(Delivery):
        _send_cancelled(deliveries, reason, now)


def _send_cancelled(deliveries: Collection[int], reason: DeliveryReason, at: datetime) -> None:
    ended = Delivery.objects.filter(pk__in=deliveries, is_retraction=False).order_by("pk")
    rows = ended.values_list("notification", "transport", "address")
    settled = tuple(SettledDelivery(*row, DeliveryState.CANCELLED, reason, at) for row in rows)
    send_after_commit(delivery_settled, Delivery, deliveries=settled)


def _unclaimed(notifications: Collection[int]) -> models.QuerySet[Delivery]:
    waiting = Delivery.objects.filter(notification__in=notifications, state=DeliveryState.WAITING, claim=None)
    # A retraction concerns what is on a screen, which a late report of another browser does not change.
    return waiting.filter(is_retraction=False)


def _change(wanted: models.QuerySet[Any], *, skip_locked: bool = False, **values: Any) -> int:
    """Lock the rows in ascending key order, then update them. Return how many.

    A plain update locks in the order of its query plan, so two batches that share rows could deadlock. A change of
    `due_at` skips rows that another transaction holds: that one cancels, claims or deletes them, and decides.
    """
    with transaction.atomic(savepoint=False):
        return _update(wanted.model, _lock(wanted, skip_locked=skip_locked), **values)


def _lock(wanted: models.QuerySet[Any], *, skip_locked: bool = False) -> list[int]:
    rows = wanted.order_by("pk").select_for_update(no_key=True, skip_locked=skip_locked)
    return list(rows.values_list("pk", flat=True))


def _update(model: type[models.Model], pks: Collection[int], **values: Any) -> int:
    return model._default_manager.filter(pk__in=pks).update(**values) if pks else 0


def mark_delivered(notifications: Collection[int], method: str) -> list[int]:
    """Record that a delivery method reached the person. Return the ids that were not delivered before."""
    with transaction.atomic():
        delivered = Notification.objects.filter(pk__in=notifications).mark_as_delivered(method)
        disarm(notifications, DeliveryReason.of(ReasonCode.DELIVERED_BY, method=str(method)))
        return delivered
