"""Steps of an escalation: planned with the notification, done once, cancelled by reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.delivery.worker import Worker
from notifications_hub.escalation import acting
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.escalation.running import claim_due_steps, run_step
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.kinds import Kind
from notifications_hub.notification import Notification
from notifications_hub.own_kinds import Escalation
from notifications_hub.streams import Event
from tests.support.deliveries import memory, one_worker, send, sent, states, use_memory
from tests.support.escalation import Lead, pass_time, step_states, team_lead
from tests.support.quiet import pause
from tests.support.together import rolled_back

__all__ = ["one_worker", "team_lead"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

WAITING = ("waiting", "")


class Late(Escalation):
    name = "tests.late"


class Own(Kind):
    name = "tests.escalates_with_own_kind"


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


def escalations(person: User) -> list[Notification]:
    return list(Notification.objects.filter(recipient=person, kind="escalation"))


# Planning


def test_a_notification_has_its_steps_with_the_time_of_each(alice: User, bob: User) -> None:
    rows = send(alice, bob, alice, kind="tests.ticket")
    for row in rows:
        planned = EscalationStep.objects.filter(notification=row).order_by("number")
        assert [(one.number, one.method, one.state) for one in planned] == [
            (1, "web_push", "waiting"),
            (2, "", "waiting"),
        ]
        for one, hours in zip(planned, (1, 4), strict=True):
            assert abs(one.planned_for - datetime.now(UTC) - timedelta(hours=hours)) < timedelta(minutes=1)
            assert one.due_at == one.planned_for


def test_a_rolled_back_notification_leaves_no_step(alice: User, bob: User) -> None:
    with rolled_back():
        send(alice, bob, kind="tests.ticket")
        assert EscalationStep.objects.count() == 2
    assert not EscalationStep.objects.exists()


def test_another_kind_costs_no_query_and_has_no_steps(alice: User, bob: User) -> None:
    send(alice, bob)
    with CaptureQueriesContext(connection) as queries:
        [row] = send(alice, bob)
        row.mark_as_read()
    assert not [one for one in queries.captured_queries if "escalationstep" in one["sql"]]
    assert not EscalationStep.objects.exists()


# By a delivery method


def test_an_unread_notification_is_sent_although_another_method_delivered_it(
    alice: User, bob: User, one_worker: Worker
) -> None:
    [row] = send(alice, bob, kind="tests.ticket")
    one_worker.run_due()
    assert sent() == [str(row.pk)], "the first push"
    Notification.objects.filter(pk=row.pk).mark_as_delivered("live")
    one_worker.run_due()
    assert len(sent()) == 1, "the step is not due yet"
    pass_time(hours=1)
    one_worker.run_due()
    one_worker.run_due()
    assert sent() == [str(row.pk)] * 2
    assert [message.repeat for message, _address in memory().outbox] == [0, 1]
    assert step_states() == [("done", "escalated"), WAITING]
    assert states() == [("sent", "accepted")] * 2


@pytest.mark.parametrize(("action", "code"), [(Mark.READ, "read"), (Mark.ARCHIVE, "archived")], ids=str)
def test_reading_and_archiving_cancel_all_steps_at_once(alice: User, bob: User, action: Mark, code: str) -> None:
    [row], _other = send(alice, bob, kind="tests.ticket"), send(bob, alice, kind="tests.ticket")
    marks.mark(bob, action, [str(row.pk)])
    assert step_states() == [("cancelled", code)] * 2 + [WAITING] * 2
    row.refresh_from_db()
    assert EscalationStep.objects.filter(notification=row, settled_at=row.read_at or row.archived_at).count() == 2


def test_reading_all_cancels_the_steps_of_all(alice: User, bob: User) -> None:
    for _ in range(3):
        send(alice, bob, kind="tests.ticket")
        send(alice, bob)
    with CaptureQueriesContext(connection) as queries:
        marks.mark_all(bob, Mark.READ)
    assert step_states() == [("cancelled", "read")] * 6
    assert len([one for one in queries.captured_queries if "escalationstep" in one["sql"]]) == 1


def test_deletion_cancels_steps_and_erasure_removes_them(alice: User, bob: User) -> None:
    [row] = send(alice, bob, kind="tests.ticket")
    Notification.objects.filter(pk=row.pk).mark_all_as_deleted()
    assert step_states() == [("cancelled", "deleted")] * 2
    Notification.objects.filter(pk=row.pk).delete()
    assert not EscalationStep.objects.exists()


def test_what_was_read_behind_the_hub_is_cancelled_when_due(
    alice: User, bob: User, one_worker: Worker, team_lead: Lead
) -> None:
    [row] = send(alice, bob, kind="tests.ticket")
    one_worker.run_due()
    Notification.objects.filter(pk=row.pk).update(unread=False)
    pass_time(hours=4)
    one_worker.run_due()
    assert step_states() == [("cancelled", "read")] * 2
    assert (len(sent()), team_lead.asked) == (1, [])


def test_a_method_that_its_person_switched_off_is_left_out(alice: User, bob: User, one_worker: Worker) -> None:
    choose_methods(bob, "tests.ticket", ["live"])
    choose_methods(alice, "tests.siren", ["live"])
    send(alice, bob, kind="tests.ticket")
    send(bob, alice, kind="tests.siren")
    pass_time(hours=1)
    one_worker.run_due()
    assert step_states() == [("cancelled", "switched_off"), WAITING, ("done", "escalated")]
    assert [address for _message, address in memory().outbox] == [str(alice.pk)], "what is critical ignores it"


def test_quiet_hours_hold_an_escalation_back_unless_it_is_critical(alice: User, bob: User, one_worker: Worker) -> None:
    pause(bob, hours=2)
    [row] = send(alice, bob, kind="tests.siren")
    send(alice, bob, kind="tests.ticket")
    one_worker.run_due()
    pass_time(hours=1)
    one_worker.run_due()
    assert sent() == [str(row.pk)] * 2
    held = Delivery.objects.filter(notification__kind="tests.ticket")
    assert set(held.values_list("state", "reason")) == {("waiting", "quiet_hours")}
    marks.mark_all(bob, Mark.READ)
    assert set(held.values_list("state", "reason")) == {("cancelled", "read")}


def test_a_person_without_an_address_and_a_method_that_is_gone_end_their_steps(
    settings: Settings, alice: User, bob: User, one_worker: Worker
) -> None:
    send(alice, bob, kind="tests.ticket")
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"web_push": None}}
    pass_time(hours=1)
    one_worker.run_due()
    assert step_states() == [("cancelled", "method_missing"), WAITING]


# To other people


def test_other_people_are_notified_once_in_their_own_language(
    alice: User, bob: User, charlie: User, one_worker: Worker, team_lead: Lead
) -> None:
    team_lead.answer = lambda notification: [alice, notification.recipient, alice]
    [row] = send(charlie, bob, kind="tests.ticket", target=charlie, url="/posts/9/", level="warning")
    pass_time(hours=4)
    one_worker.run_due()
    one_worker.run_due()
    [news] = escalations(alice)
    assert news.message().title == f"Bob hasn't answered: Ticket {charlie}"
    assert (news.url, news.level) == ("/posts/9/", "warning")
    assert (escalations(bob), escalations(charlie), team_lead.asked) == ([], [], [row.pk])
    step = EscalationStep.objects.get(number=2)
    assert (step.state, step.reason_parameters) == ("done", {"number": 1, "people": str(alice.pk)})
    assert Event.objects.filter(kind="notification.created", data__title=news.message().title).count() == 1


@pytest.mark.parametrize("answer", [None, [], "inactive", "self"])
def test_without_other_people_the_step_is_done(
    alice: User, bob: User, one_worker: Worker, team_lead: Lead, answer: object
) -> None:
    alice.is_active = False
    alice.save()
    team_lead.answer = lambda _notification: {"inactive": alice, "self": bob}.get(str(answer), answer)
    send(None, bob, kind="tests.ticket")
    pass_time(hours=4)
    one_worker.run_due()
    assert step_states()[1] == ("done", "nobody_to_notify")
    assert Notification.objects.count() == 1


def test_a_function_that_raises_is_tried_again_and_then_fails_alone(
    alice: User, bob: User, charlie: User, one_worker: Worker, team_lead: Lead
) -> None:
    def raises_for_bob(notification: Notification) -> object:
        if notification.recipient_id == bob.pk:
            raise LookupError("no lead")
        return alice

    team_lead.answer = raises_for_bob
    send(None, bob, charlie, kind="tests.ticket")
    pass_time(hours=4)
    for _ in range(4):
        one_worker.run_due()
        pass_time(minutes=15)
    one_worker.run_due()
    failed = EscalationStep.objects.get(number=2, notification__recipient=bob)
    assert (failed.state, failed.attempts, failed.reason_parameters) == ("failed", 4, {"error": "LookupError"})
    assert [entry["reason"] for entry in failed.trail] == ["step_failed"] * 4
    [news] = escalations(alice)
    assert news.actor_name == "Charlie"


def test_a_function_that_answers_something_else_fails_and_notifies_nobody(
    bob: User, one_worker: Worker, team_lead: Lead
) -> None:
    team_lead.answer = lambda _notification: "alice"
    send(None, bob, kind="tests.ticket")
    pass_time(hours=4)
    one_worker.run_due()
    step = EscalationStep.objects.get(number=2)
    assert (step.state, step.attempts, step.reason_parameters) == ("waiting", 1, {"error": "BadRecipient"})
    assert Notification.objects.count() == 1


def test_a_step_that_the_kind_no_longer_has_ends(
    monkeypatch: pytest.MonkeyPatch, bob: User, one_worker: Worker
) -> None:
    from tests.support.escalation import Ticket

    send(None, bob, kind="tests.ticket")
    monkeypatch.setattr(Ticket, "escalate", Ticket.escalate[:1])
    pass_time(hours=4)
    one_worker.run_due()
    assert step_states() == [("done", "escalated"), ("cancelled", "step_removed")]


# Races


def test_what_is_read_between_claim_and_act_is_not_escalated(alice: User, bob: User, team_lead: Lead) -> None:
    def reads_it_meanwhile(notification: Notification) -> object:
        marks.mark(bob, Mark.READ, [str(notification.pk)])
        return alice

    team_lead.answer = reads_it_meanwhile
    send(None, bob, kind="tests.ticket")
    pass_time(hours=4)
    by_method, by_people = claim_due_steps()
    run_step(by_people)
    run_step(by_method)
    assert step_states() == [("cancelled", "read")] * 2
    assert (escalations(alice), Delivery.objects.filter(escalation__gt=0).count()) == ([], 0)


def test_what_is_read_behind_the_hub_between_claim_and_act_is_not_escalated(
    alice: User, bob: User, team_lead: Lead
) -> None:
    def reads_it_meanwhile(notification: Notification) -> object:
        Notification.objects.filter(pk=notification.pk).update(unread=False)
        return alice

    team_lead.answer = reads_it_meanwhile
    send(None, bob, kind="tests.ticket")
    pass_time(hours=4)
    _by_method, by_people = claim_due_steps()
    run_step(by_people)
    assert step_states()[1] == ("cancelled", "read")
    assert escalations(alice) == []


def test_two_workers_with_the_same_step_act_once(alice: User, bob: User, team_lead: Lead) -> None:
    team_lead.answer = lambda _notification: alice
    send(None, bob, kind="tests.ticket")
    pass_time(hours=4)
    lost = claim_due_steps()
    assert (len(lost), claim_due_steps()) == (2, []), "under the lease"
    pass_time(minutes=2)
    again = claim_due_steps()
    for step in [*lost, *again, *again]:
        run_step(step)
    assert step_states() == [("done", "escalated")] * 2
    assert len(escalations(alice)) == Delivery.objects.filter(escalation=1).count() == 1


def test_a_fault_after_notifying_undoes_it(
    monkeypatch: pytest.MonkeyPatch, alice: User, bob: User, team_lead: Lead
) -> None:
    team_lead.answer = lambda _notification: alice
    send(None, bob, kind="tests.ticket")
    pass_time(hours=4)
    steps = claim_due_steps()
    with monkeypatch.context() as patch:

        def record(*_arguments: object) -> None:
            raise RuntimeError

        patch.setattr(acting, "record", record)
        for step in steps:
            run_step(step)
    assert (escalations(alice), Delivery.objects.filter(escalation__gt=0).count()) == ([], 0)
    assert step_states() == [("waiting", "step_failed")] * 2
