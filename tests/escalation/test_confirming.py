"""Escalations of notifications that must be confirmed: reading alone ends nothing."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.worker import Worker
from notifications_hub.escalation.history import escalation_steps, report_escalation
from notifications_hub.escalation.running import claim_due_steps, run_step
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.notification import Notification
from tests.support.deliveries import one_worker, send, sent, use_memory
from tests.support.escalation import Lead, pass_time, step_states, team_lead
from tests.support.quiet import end_pause, pause

__all__ = ["one_worker", "team_lead"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


def test_what_is_read_and_not_confirmed_is_escalated(
    alice: User, bob: User, one_worker: Worker, team_lead: Lead
) -> None:
    team_lead.answer = lambda _notification: alice
    [row] = send(None, bob, kind="tests.order")
    one_worker.run_due()
    marks.mark(bob, Mark.READ, [str(row.pk)])
    marks.mark(bob, Mark.ARCHIVE, [str(row.pk)])
    assert step_states() == [("waiting", "")] * 2
    words = [step.words for step in report_escalation(row)]
    assert words == [
        "Next: if you haven't confirmed it by then, we'll send it again by push notification.",
        "Next: if you haven't confirmed it by then, we'll notify somebody else.",
    ]
    pass_time(hours=4)
    one_worker.run_due()
    assert sent().count(str(row.pk)) == 2
    assert Notification.objects.filter(recipient=alice, kind="escalation").count() == 1
    words = [step.words for step in report_escalation(row)]
    assert words == [
        "You hadn't confirmed it, so we sent it again by push notification.",
        "You hadn't confirmed it, so we notified Alice.",
    ]


def test_confirming_cancels_all_steps_and_says_so(bob: User) -> None:
    [row], _other = send(None, bob, kind="tests.order"), send(None, bob, kind="tests.order")
    assert marks.acknowledge(bob, [str(row.pk)]) == 1
    assert step_states() == [("cancelled", "confirmed")] * 2 + [("waiting", "")] * 2
    assert "The person had already confirmed it." in escalation_steps(row)[0].words
    assert report_escalation(row)[1].words.startswith("We had planned to notify somebody else on ")


def test_deleting_ends_what_was_never_confirmed(bob: User) -> None:
    [row] = send(None, bob, kind="tests.order")
    Notification.objects.filter(pk=row.pk).mark_all_as_deleted()
    assert step_states() == [("cancelled", "deleted")] * 2


def test_confirming_between_claim_and_act_is_in_time(alice: User, bob: User, team_lead: Lead) -> None:
    def confirms_it_meanwhile(notification: Notification) -> object:
        marks.acknowledge(bob, [str(notification.pk)])
        return alice

    team_lead.answer = confirms_it_meanwhile
    send(None, bob, kind="tests.order")
    pass_time(hours=4)
    by_method, by_people = claim_due_steps()
    run_step(by_people)
    run_step(by_method)
    assert step_states() == [("cancelled", "confirmed")] * 2
    assert not Notification.objects.filter(recipient=alice).exists()


@pytest.mark.parametrize("confirms", [False, True])
def test_reading_leaves_a_planned_delivery_of_a_step_and_confirming_cancels_it(
    bob: User, one_worker: Worker, confirms: bool
) -> None:
    pause(bob, hours=2)
    [row] = send(None, bob, kind="tests.order")
    pass_time(hours=1)
    one_worker.run_due()
    marks.mark(bob, Mark.READ, [str(row.pk)])
    if confirms:
        marks.acknowledge(bob, [str(row.pk)])
    [delivery] = Delivery.objects.filter(escalation=1)
    expected = ("cancelled", "read") if confirms else ("waiting", "quiet_hours")
    assert (delivery.state, delivery.reason) == expected
    end_pause(bob)
    one_worker.run_due()
    assert sent() == ([] if confirms else [str(row.pk)])
