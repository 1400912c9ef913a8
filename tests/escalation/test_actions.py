"""Actions that run once for all people: whoever has decided ends the escalations of the others too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from notifications_hub import After
from notifications_hub.delivery.models import Delivery
from notifications_hub.escalation.history import escalation_steps, report_escalation
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.escalation.running import claim_due_steps, run_step
from notifications_hub.inbox import marks
from tests.actions import support
from tests.actions.support import Request, ask, click
from tests.support.deliveries import use_memory
from tests.support.escalation import pass_time, step_states

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _escalating(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    use_memory(settings, ack_window=0)
    monkeypatch.setattr(support, "PAUSE", 0)
    monkeypatch.setattr(Request, "escalate", [After(hours=1, method="web_push")])


def test_a_decision_ends_the_steps_of_everyone_who_was_asked(
    alice: User, bob: User, charlie: User, client_for: Callable[[User], Client]
) -> None:
    mine, theirs = ask([alice, charlie], bob)
    [other] = ask([charlie], bob)
    pass_time(hours=1)
    claimed = [step for step in claim_due_steps() if step.notification_id != other.pk]
    EscalationStep.objects.filter(notification=other).update(claim=None)
    assert click(client_for(alice), mine, "approve").status_code == 200
    for step in claimed:
        run_step(step)
    assert step_states() == [("cancelled", "read"), ("cancelled", "decided"), ("waiting", "")]
    assert not Delivery.objects.filter(escalation=1).exists()
    theirs.refresh_from_db()
    assert theirs.unread, "they have not read it"
    assert "Somebody had already decided it." in escalation_steps(theirs)[0].words
    assert report_escalation(theirs)[0].words.endswith("That's no longer needed.")


def test_a_decision_confirms_nothing(
    alice: User, bob: User, charlie: User, client_for: Callable[[User], Client]
) -> None:
    mine, theirs = ask([alice, charlie], bob, must_acknowledge=True)
    assert click(client_for(alice), mine, "approve").status_code == 200
    assert step_states() == [("waiting", "")] * 2
    assert marks.acknowledge(alice, [mine.item_id]) == marks.acknowledge(charlie, [theirs.item_id]) == 1
    assert step_states() == [("cancelled", "confirmed")] * 2
