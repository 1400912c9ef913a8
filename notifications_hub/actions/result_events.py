"""Events with what came of an action, for the pages of thousands of people who share it.

The click logs the first ones itself. The others follow in chunks: a thread of the process begins, and the sweeper of
every hub and worker goes on if the process was killed. A chunk is one transaction with the place it has reached, so
nobody is left out or gets two.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import connections

from notifications_hub.actions.models import ActionResult
from notifications_hub.database import transaction
from notifications_hub.delivery import arming
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.escalation.cancelling import cancel_steps, escalates
from notifications_hub.notification import Notification, emit_items
from notifications_hub.notification_queryset import InboxQuerySet
from notifications_hub.streams.sweeper import Isolation, every_second

AT_ONCE = 100
"""The most people for whom a click logs events itself, and for whom one transaction does."""
SWEEP_SECONDS = 0.5
"""Time that a sweep may take, so that other chores go on."""

log = logging.getLogger(__name__)

_isolation: Isolation[int] = Isolation(longest=60.0)


def publish_result(result: ActionResult, own: Notification) -> None:
    """Log the result for the person's own page and for the first others, in the caller's transaction.

    Their deliveries are cancelled with it. Of the rest, a worker cancels what falls due before its chunk comes.
    """
    own_rows = _sharing(result.key).filter(recipient=own.recipient_id) if own.action_key else [own]
    _publish_rows([row.pk for row in own_rows], result.kind)
    if not own.action_key:
        return
    others = list(_others(result).values_list("pk", flat=True)[: AT_ONCE + 1])
    first = others[:AT_ONCE]
    _publish_rows(first, result.kind)
    if len(others) > AT_ONCE:
        ActionResult.objects.filter(pk=result.pk).update(published_through=first[-1])
        transaction.on_commit(_go_on_soon)


@every_second
def publish_the_rest() -> None:
    """Go on with results that not every page has got. Return after `SWEEP_SECONDS`, even if there are more."""
    until = time.monotonic() + SWEEP_SECONDS
    while _publish_more() and time.monotonic() < until:
        pass


def _publish_more() -> bool:
    """Log the next chunk of events of the oldest result. Return whether there was one."""
    waiting = ActionResult.objects.filter(published_through__isnull=False).exclude(pk__in=_isolation.resting())
    result = waiting.order_by("pk").first()
    if result is None:
        return False
    with _isolation.guard(result.pk, f"Publishing the result {result.pk}"), transaction.atomic():
        pks = list(_others(result).filter(pk__gt=result.published_through).values_list("pk", flat=True)[:AT_ONCE])
        last = pks[-1] if len(pks) == AT_ONCE else None
        # Locks it until the commit. Of two processes, the second finds that the first has moved on.
        mine = ActionResult.objects.filter(pk=result.pk, published_through=result.published_through)
        if mine.update(published_through=last):
            _publish_rows(pks, result.kind)
    return True


def _sharing(key: str) -> InboxQuerySet:
    return Notification.objects.visible().filter(action_key=key).order_by("pk")


def _others(result: ActionResult) -> InboxQuerySet:
    """Return the notifications of everyone but the person who clicked."""
    return _sharing(result.key).exclude(recipient=result.person_id)


def _publish_rows(pks: Sequence[int], kind: str) -> None:
    shown = Notification.objects.filter(pk__in=pks).order_by("pk")
    if escalates(kind):
        # Locked first, as by every writer of steps. Of what must be confirmed, only that ends them.
        locked = shown.filter(must_acknowledge=False).select_for_update(no_key=True)
        cancel_steps(list(locked.values_list("pk", flat=True)), ReasonCode.DECIDED, datetime.now(UTC))
    arming.disarm(pks, DeliveryReason(ReasonCode.DECIDED))
    emit_items("notification.updated", shown.select_related("recipient").for_items())


def _go_on_soon() -> None:
    threading.Thread(target=_go_on, name="hub-publish-results", daemon=True).start()


def _go_on() -> None:
    try:
        while _publish_more():
            pass
    except Exception as error:  # noqa: BLE001 -- the sweeper of another process goes on
        log.warning("The results of actions could not be published: %s", error)
    finally:
        connections.close_all()
