"""Plan the steps of new notifications, in the transaction that makes them. Other kinds cost nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from notifications_hub.escalation.models import EscalationStep
from notifications_hub.kinds import Kind

# PostgreSQL plans them in the statement that inserts the notifications.
STEPS_IN_STATEMENT = """, escalated AS (
    INSERT INTO notifications_hub_escalationstep
        (notification_id, number, method, state, reason, reason_parameters, planned_for, due_at, attempts, trail,
            created)
    SELECT made.id, step.number, step.method, 'waiting', '', CAST('{{}}' AS jsonb), statement_timestamp() + step.delay,
        statement_timestamp() + step.delay, 0, CAST('[]' AS jsonb), %(now)s
    FROM made CROSS JOIN (VALUES {steps}) AS step(number, method, delay)
)"""


def steps_in_statement(number: int) -> str:
    """Return the part of the statement that plans so many steps; empty for a kind without any."""
    rows = (
        f"({one}, CAST(%(step{one})s AS text), CAST(%(step_delay{one})s AS interval))" for one in range(1, number + 1)
    )
    return STEPS_IN_STATEMENT.format(steps=", ".join(rows)) if number else ""


def parameters_of_steps(kind: Kind) -> dict[str, Any]:
    found: dict[str, str | timedelta] = {}
    for number, step in enumerate(kind.escalate, 1):
        found |= {f"step{number}": str(step.method), f"step_delay{number}": step.delay}
    return found


def plan_steps(kind: Kind, notifications: Iterable[int]) -> None:
    """Insert the steps of new notifications of a kind."""
    if not kind.escalate:
        return
    rows = [
        EscalationStep(
            notification_id=pk,
            number=number,
            method=str(step.method),
            planned_for=Now() + step.delay,
            due_at=Now() + step.delay,
        )
        for pk in notifications
        for number, step in enumerate(kind.escalate, 1)
    ]
    EscalationStep.objects.bulk_create(rows, batch_size=1000)
