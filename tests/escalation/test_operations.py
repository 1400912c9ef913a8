"""Escalations for whoever runs a site or tests one: the doctor, metrics, retention, and `notified.escalate()`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.ops import retention, worker_checks
from notifications_hub.ops.metrics import ask, exposition
from notifications_hub.testing import Captured
from notifications_hub.testing.plugin import notified
from notifications_hub.transports.memory import Memory
from tests.support.deliveries import send, use_memory
from tests.support.escalation import Lead, pass_time, team_lead

__all__ = ["notified", "team_lead"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


def test_the_doctor_and_the_metrics_report_steps_that_nobody_does(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, alice: User, bob: User
) -> None:
    memory = f"{Memory.__module__}.Memory"
    transports = {"web_push": memory, "email": memory}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}
    assert worker_checks.escalations() == ("no step is overdue.", True)
    assert "notifications_hub_escalations_late_seconds 0.0" in exposition(ask()).decode().splitlines()
    send(alice, bob, kind="tests.ticket")
    pass_time(hours=3)
    assert worker_checks.escalations() == (
        "the oldest step is 2 h overdue: no worker runs, or it cannot keep up.",
        False,
    )
    [line] = [
        line for line in exposition(ask()).decode().splitlines() if line.startswith("notifications_hub_escalations")
    ]
    assert float(line.split()[1]) >= 7200
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"web_push": None, "email": memory}}
    words, good = worker_checks.escalations()
    assert ("escalates by 'web_push': add it to TRANSPORTS." in words, good) == (True, False)


def test_settled_steps_are_pruned_and_waiting_ones_never(alice: User, bob: User) -> None:
    [read], _unread = send(alice, bob, kind="tests.ticket"), send(alice, bob, kind="tests.ticket")
    marks.mark(bob, Mark.READ, [str(read.pk)])
    old = datetime.now(UTC) - timedelta(days=100)
    EscalationStep.objects.update(created=old)
    EscalationStep.objects.exclude(settled_at=None).update(settled_at=old)
    before = datetime.now(UTC) - timedelta(days=90)
    assert retention.prunable(before).escalation_steps == retention.prune(before).escalation_steps == 2
    assert set(EscalationStep.objects.values_list("state", flat=True)) == {"waiting"}


def test_a_host_lets_time_pass_in_its_tests(
    notified: Captured, alice: User, bob: User, charlie: User, team_lead: Lead
) -> None:
    team_lead.answer = lambda _notification: alice
    [read, *_others] = send(charlie, charlie, bob, kind="tests.ticket")
    marks.mark(charlie, Mark.READ, [str(read.pk)])
    notified.escalate(minutes=59)
    assert len(notified.deliveries) == 2, "those of the notifications themselves"
    notified.escalate(hours=1)
    assert [one.person for one in notified.deliveries if one.is_on].count(bob) == 2
    notified.assert_not_notified(alice)
    notified.escalate(hours=4)
    notified.escalate(days=1)
    notified.assert_notified(alice, kind="escalation", title="Bob hasn't answered: Ticket replied")


def test_a_function_that_raises_fails_the_test_of_its_host(
    notified: Captured, alice: User, bob: User, team_lead: Lead
) -> None:
    team_lead.answer = lambda notification: {"bob": None}[str(notification.pk)]
    send(alice, bob, kind="tests.ticket")
    with pytest.raises(KeyError):
        notified.escalate(hours=4)
