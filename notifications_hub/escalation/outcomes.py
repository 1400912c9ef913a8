"""Record what came of a step, if the worker still holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from notifications_hub.delivery.reasons import DeliveryReason
from notifications_hub.escalation.models import EscalationStep, StepState


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """The end of a step, or a failure after which it is tried again in a `pause`."""

    state: StepState
    reason: DeliveryReason
    pause: timedelta | None = None


def record(step: EscalationStep, outcome: StepOutcome) -> None:
    now = datetime.now(UTC)
    reason = {"reason": outcome.reason.code.value, "reason_parameters": dict(outcome.reason.parameters)}
    changed: dict[str, Any] = {"state": outcome.state, "claim": None, **reason}
    if outcome.pause is not None:
        changed["due_at"] = Now() + outcome.pause
    else:
        changed["settled_at"] = now
    if outcome.pause is not None or outcome.state is StepState.FAILED:
        entry = {"at": now.isoformat(), "reason": reason["reason"], "parameters": reason["reason_parameters"]}
        changed |= {"attempts": step.attempts + 1, "trail": [*step.trail, entry]}
    EscalationStep.objects.filter(pk=step.pk, claim=step.claim, state=StepState.WAITING).update(**changed)
