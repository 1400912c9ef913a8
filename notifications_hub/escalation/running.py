"""Claim due steps under a lease, and act on them. Each turn of a worker does so.

As for deliveries, the database's clock decides what is due. A killed worker's lease ends by itself, and its transaction
has happened whole or not at all.
"""

from __future__ import annotations

import logging
import time
import uuid
from datetime import timedelta

from django.db.models.functions import Now

from notifications_hub.database import transaction
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.worker import every_turn
from notifications_hub.escalation.acting import act
from notifications_hub.escalation.models import EscalationStep, StepState
from notifications_hub.escalation.outcomes import StepOutcome, record
from notifications_hub.extension import joins

LEASE = timedelta(seconds=55)
BATCH = 20
TURN_SECONDS = 0.5
"""The most seconds of a turn, after which deliveries go on. One slow function of a host can take longer."""
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
"""The pauses after failures. After one more failure, the step has failed."""

log = logging.getLogger(__name__)


@every_turn
def run_due_steps() -> bool:
    """Act on steps that are due, for a short time. Return whether more may be due."""
    until = time.monotonic() + TURN_SECONDS
    while steps := claim_due_steps():
        for step in steps:
            run_step(step)
        if time.monotonic() > until:
            return True
    return False


def run_steps_until(later: timedelta) -> None:
    """Act on the steps that are due by so much later, for tests. An error is raised, and no step is tried again."""
    while steps := claim_due_steps(ahead=later):
        for step in steps:
            act(step)


def claim_due_steps(limit: int = BATCH, *, ahead: timedelta = timedelta()) -> list[EscalationStep]:
    """Claim steps that are due, or will be in the time `ahead`, in the order they fall due."""
    due = EscalationStep.objects.filter(state=StepState.WAITING, due_at__lte=Now() + ahead).order_by("due_at")
    if not due.values_list("pk").first():
        return []
    claim = uuid.uuid4()
    with transaction.atomic():
        ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        EscalationStep.objects.filter(pk__in=ids).update(claim=claim, due_at=Now() + LEASE)
    claimed = EscalationStep.objects.filter(pk__in=ids, claim=claim).order_by("planned_for", "pk")
    joined = ("notification", "notification__recipient", *(f"notification__{name}" for name in joins()))
    return list(claimed.select_related(*joined))


def run_step(step: EscalationStep) -> None:
    """Act on a claimed step. One that fails rests and is tried again, so that it stops no other."""
    try:
        act(step)
    except CONNECTION_ERRORS:
        raise
    except Exception as error:
        log.exception("Step %s of the escalation of notification %s failed", step.number, step.notification_id)
        record(step, _failed(step, error))


def _failed(step: EscalationStep, error: Exception) -> StepOutcome:
    reason = DeliveryReason.of(ReasonCode.STEP_FAILED, error=type(error).__name__)
    if step.attempts < len(PAUSES):
        return StepOutcome(StepState.WAITING, reason, pause=PAUSES[step.attempts])
    return StepOutcome(StepState.FAILED, reason)
