"""Kinds with an escalation, and steps that a test makes due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from notifications_hub.escalation.after import After
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.kinds import Kind, Urgency
from notifications_hub.notification import Notification

Chooses = Callable[[Notification], object]


class Lead:
    """The function that chooses the other people. A test says what it answers."""

    def __init__(self) -> None:
        self.answer: Chooses = lambda _notification: None
        self.asked: list[int] = []

    def __call__(self, notification: Notification) -> object:
        self.asked.append(notification.pk)
        return self.answer(notification)


lead = Lead()


@pytest.fixture
def team_lead() -> Iterator[Lead]:
    lead.asked.clear()
    yield lead
    lead.answer = lambda _notification: None


class Ticket(Kind):
    name = "tests.ticket"
    label = "Tickets"
    escalate = [After(hours=1, method="web_push"), After(hours=4, to=lead)]

    def title(self, notification: Any) -> str:
        return f"Ticket {notification.target_name or notification.verb}"


class Siren(Kind):
    name = "tests.siren"
    urgency = Urgency.CRITICAL
    escalate = [After(timedelta(minutes=5), method="web_push")]


class Order(Kind):
    """Notifications that must be confirmed."""

    name = "tests.order"
    must_acknowledge = True
    escalate = [After(hours=1, method="web_push"), After(hours=4, to=lead)]


def pass_time(**time: float) -> None:
    """Let so much time pass for all steps. They are due by the database's clock, which no test can change."""
    EscalationStep.objects.filter(state="waiting").update(due_at=F("due_at") - timedelta(**time))


def step_states() -> list[tuple[str, str]]:
    return list(EscalationStep.objects.order_by("notification_id", "number").values_list("state", "reason"))
