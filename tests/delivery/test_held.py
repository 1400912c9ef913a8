"""Quiet hours: what waits, what does not, and the one message that sums up what waited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.delivery.groups import summed_up_beside
from notifications_hub.delivery.history import steps_of
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox import marks, push_trial
from notifications_hub.inbox.delivery_report import report_steps
from notifications_hub.inbox.marks import Mark
from notifications_hub.kinds import Kind, Privacy, Urgency
from notifications_hub.notification import Notification
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.streams.sweeper import sweep
from notifications_hub.transports import TransportError
from notifications_hub.transports.memory import Memory
from tests.support.deliveries import make_due, memory, one_worker, send_due, states, use_memory
from tests.support.quiet import A_WHILE, end_pause, pause, titles

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Alarm(Kind):
    name = "tests.urgent_alarm"
    urgency = Urgency.CRITICAL


class Secret(Kind):
    name = "tests.held_secret"
    privacy = Privacy.NOTHING


class Call(Kind):
    name = "tests.call"
    ttl = 60


class Machine(Memory):
    interrupts = False


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


# Waiting


def test_a_push_waits_until_the_quiet_hours_end(alice: User, bob: User, one_worker: Worker) -> None:
    until = pause(alice, hours=2)
    send_due(bob, alice)
    assert (one_worker.run_due(), one_worker.run_due()) == (1, 0), "it is looked at once"
    one = Delivery.objects.get()
    assert (memory().outbox, one.state, one.reason, one.claim, one.held_for_id) == (
        [],
        "waiting",
        "quiet_hours",
        None,
        alice.pk,
    )
    assert abs(one.due_at - until) < A_WHILE
    assert one.attempts == 0
    assert one.reason_parameters["until"] == until.strftime("%Y-%m-%d %H:%M")


def test_a_push_to_somebody_else_does_not_wait(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    send_due(alice, bob)
    one_worker.run_due()
    assert states() == [("sent", "accepted")]


def test_what_is_critical_goes_through_at_once_and_as_itself(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    [row] = send_due(bob, alice, kind="tests.urgent_alarm")
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert (message.id, message.kind, states()) == (row.item_id, "tests.urgent_alarm", [("sent", "accepted")])


def test_a_test_that_a_person_sends_to_themselves_does_not_wait(alice: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    push_trial.send(alice, "web_push", str(alice.pk))
    announced = send_due(alice, alice)[0]
    Notification.objects.filter(pk=announced.pk).update(
        announcement=Announcement.objects.create(
            title="Hello", is_test=True, audience="everyone", announced_at=datetime.now(UTC)
        )
    )
    make_due()
    one_worker.run_due()
    assert states() == [("sent", "accepted")] * 2


def test_a_transport_that_disturbs_nobody_does_not_wait(
    alice: User, bob: User, one_worker: Worker, settings: Settings
) -> None:
    transports = {"web_push": f"{Machine.__module__}.{Machine.__name__}"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}
    pause(alice, hours=2)
    send_due(bob, alice)
    send_due(bob, alice)
    one_worker.run_due()
    assert states() == [("sent", "accepted")] * 2


def test_a_stored_schedule_that_is_invalid_holds_nothing_back(alice: User, bob: User, one_worker: Worker) -> None:
    QuietHours.objects.create(person=alice, schedule={"zone": "Nowhere"})
    send_due(bob, alice)
    one_worker.run_due()
    assert states() == [("sent", "accepted")]


def test_reading_cancels_what_waits(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    [row] = send_due(bob, alice)
    one_worker.run_due()
    marks.mark(alice, Mark.READ, [row.item_id])
    assert states() == [("cancelled", "read")]


def test_a_batch_takes_one_query_for_its_quiet_hours(alice: User, bob: User, charlie: User, one_worker: Worker) -> None:
    send_due(bob, alice, charlie)
    send_due(alice, bob)
    with CaptureQueriesContext(connection) as queries:
        one_worker.run_due()
    asked = [one["sql"] for one in queries if "quiethours" in one["sql"]]
    assert len(asked) == 1
    assert not [one["sql"] for one in queries if '"held_for_id" =' in one["sql"]]


# Their end


def test_several_that_waited_are_one_message(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    rows = [row for number in range(5) for row in send_due(bob, alice, verb=f"asked {number}")]
    one_worker.run_due()
    end_pause(alice)
    one_worker.run_due()
    [(message, address)] = memory().outbox
    assert (message.title, address) == ("5 notifications while you were away", str(alice.pk))
    assert message.body.splitlines() == [row.message().title for row in reversed(rows[2:])]
    assert (message.url, message.id, message.tag) == (
        "/notifications/",
        rows[-1].item_id,
        "quiet.summary:one",
    )
    assert states() == [("sent", "summed_up")] * 5
    newest = Delivery.objects.get(notification=rows[-1])
    assert list(Delivery.objects.order_by("pk").values_list("summary", flat=True)) == [newest.pk] * 4 + [None]
    assert list(Delivery.objects.order_by("pk").values_list("attempts", flat=True)) == [0] * 4 + [1]
    assert sorted(summed_up_beside(newest)) == [row.pk for row in rows[:-1]]
    assert one_worker.run_due() == 0


def test_the_only_one_that_waited_is_sent_as_itself(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    [read, row] = [*send_due(bob, alice), *send_due(bob, alice)]
    one_worker.run_due()
    read.mark_as_read()
    end_pause(alice)
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert (message.id, message.kind) == (row.item_id, "default")
    assert states() == [("cancelled", "read"), ("sent", "accepted")]


def test_what_was_delivered_meanwhile_is_not_counted(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    rows = [row for _ in range(3) for row in send_due(bob, alice)]
    one_worker.run_due()
    # Not by `mark_delivered`, which cancels what waits: the worker must look by itself.
    Notification.objects.filter(pk=rows[2].pk).update(delivered_at=datetime.now(UTC))
    end_pause(alice)
    one_worker.run_due()
    assert titles() == ["2 notifications while you were away"]
    assert states() == [("sent", "summed_up")] * 2 + [("cancelled", "delivered_already")]


def test_a_summary_is_in_its_persons_language_and_shows_nothing_private(
    alice: User, bob: User, one_worker: Worker
) -> None:
    alice.language = "zh-hans"
    alice.save()
    pause(alice, hours=2)
    send_due(bob, alice, verb="asked")
    send_due(bob, alice, kind="tests.held_secret", verb="whispered")
    one_worker.run_due()
    end_pause(alice)
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert message.language == "zh-hans"
    assert "asked" in message.body
    assert "whispered" not in message.title + message.body


def test_an_announcement_that_waited_is_summed_up_too(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    broadcast(title="Maintenance", body="On Sunday.", by=bob)
    sweep()
    Rollout.objects.update(starts_at=datetime.now(UTC) - timedelta(seconds=1))
    one_worker.run_due()
    send_due(bob, alice, verb="asked")
    one_worker.run_due()
    assert Delivery.objects.filter(held_for=alice.pk, state="waiting").count() == 2
    end_pause(alice)
    one_worker.run_due()
    [body] = [message.body for message, address in memory().outbox if address == str(alice.pk)]
    assert "Maintenance" in body
    rollout = Rollout.objects.get()
    assert rollout.sent == rollout.planned


def test_a_summary_that_fails_for_now_is_tried_again_as_a_whole(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    rows = [row for _ in range(3) for row in send_due(bob, alice)]
    one_worker.run_due()
    end_pause(alice)
    memory().fail_next(TransportError("The service is away."))
    one_worker.run_due()
    assert states() == [("waiting", "The service is away.")] * 3
    assert len(set(Delivery.objects.values_list("due_at", flat=True))) == 1
    rows[0].mark_as_read()
    make_due(state="waiting")
    one_worker.run_due()
    assert titles() == ["2 notifications while you were away"]
    assert states() == [("cancelled", "read"), ("sent", "summed_up"), ("sent", "summed_up")]


def test_a_summary_to_an_address_that_is_gone_fails_for_all(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    for _ in range(3):
        send_due(bob, alice)
    one_worker.run_due()
    end_pause(alice)
    memory().fail_next(TransportError("The address is gone.", permanent=True))
    one_worker.run_due()
    assert states() == [("failed", "The address is gone.")] * 3


def test_a_long_pause_does_not_use_up_the_time_to_live(
    alice: User, bob: User, one_worker: Worker, settings: Settings
) -> None:
    pause(alice, hours=2)
    rows = [*send_due(bob, alice), *send_due(bob, alice), *send_due(bob, alice, kind="tests.call")]
    one_worker.run_due()
    past = datetime.now(UTC) - timedelta(days=3)
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(timestamp=past)
    end_pause(alice)
    one_worker.run_due()
    assert titles() == ["2 notifications while you were away"]
    assert states() == [("sent", "summed_up")] * 2 + [("cancelled", "expired")]


# What people and admins read


def test_the_history_explains_the_wait_and_the_summary(alice: User, bob: User, one_worker: Worker) -> None:
    until = pause(alice, hours=2)
    rows = [*send_due(bob, alice), *send_due(bob, alice)]
    one_worker.run_due()
    waits = [step.words for step in report_steps(rows[0])]
    assert "Not sent to one of your browsers yet: these are your quiet hours." in waits
    assert "Next: we'll send it to one of your browsers once your quiet hours are over." in waits
    quiet = f"quiet hours last until {until:%Y-%m-%d %H:%M} UTC"
    assert any(quiet in step.words for step in steps_of(rows[0]))
    end_pause(alice)
    one_worker.run_due()
    for row in rows:
        words = [step.words for step in report_steps(row)]
        assert "Sent to one of your browsers after your quiet hours, in one summary of 2 notifications." in words
        assert any("one summary of 2 notifications" in step.words for step in steps_of(row))
