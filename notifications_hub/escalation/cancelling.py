"""Cancel the steps of notifications that their person has dealt with, in the transaction of that."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from notifications_hub.delivery.reasons import ReasonCode
from notifications_hub.escalation.models import EscalationStep, StepState
from notifications_hub.kinds import kind_of


def escalates(kind: str) -> bool:
    """Return whether notifications of a stored kind have steps. Of one whose steps were removed, workers cancel them.

    That spares a query for everything else that is read.
    """
    return bool(kind_of(kind).escalate)


def cancel_steps(notifications: Collection[int], code: ReasonCode, at: datetime) -> None:
    """Cancel the waiting steps. The caller's transaction has locked the notifications, as every writer does first."""
    waiting = EscalationStep.objects.filter(notification__in=notifications, state=StepState.WAITING)
    waiting.update(state=StepState.CANCELLED, reason=code, claim=None, settled_at=at)
