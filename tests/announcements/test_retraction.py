"""A withdrawn announcement is taken back from where it was sent: from each address once, and from nobody else's."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from notifications_hub.announcements import announce, audit
from notifications_hub.announcements.rollouts import control, planner
from notifications_hub.announcements.rollouts.models import Rollout, RolloutState
from notifications_hub.delivery import arming
from notifications_hub.delivery.history import steps_of
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox.delivery_report import report_steps
from notifications_hub.message import SHOWN_SECONDS
from notifications_hub.models import Notification
from notifications_hub.signals import delivery_settled
from notifications_hub.streams.sweeper import Isolation
from notifications_hub.transports import TransportError
from tests.announcements.test_rollout_cost import MANY, _insert, plans_of
from tests.announcements.test_rollouts import announced, members, plan, use_file
from tests.support.deliveries import PushInMemory, memory, one_worker, send, send_due
from tests.support.full import FULL
from tests.support.processes import wait_until
from tests.support.together import in_process

__all__ = ["one_worker"]

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


class Retractable(PushInMemory):
    retracts = True


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    transports = {"web_push": f"{__name__}.Retractable"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports, "ACK_WINDOW": 0}
    monkeypatch.setattr(planner, "CHUNK", 4)
    monkeypatch.setattr(planner, "_isolation", Isolation(longest=60))


def taken_back() -> Counter[str]:
    return Counter(address for message, address in memory().outbox if message.retracts)


def figures() -> tuple[int, int, int, int]:
    """Return the figures of the retraction: looked at, read, planned and sent."""
    one = Rollout.objects.retracting().get()
    return one.looked_at, one.shown, one.planned, one.sent


def test_it_is_taken_back_once_from_each_address_to_which_it_was_sent(one_worker: Worker) -> None:
    people = members(10)
    rollout = announced(title="Closed", body="All day", url="/closed/")
    one_worker.run_due()
    late = User.objects.create(username="late")
    announce.withdraw(rollout.announcement)
    one_worker.run_due()

    assert taken_back() == {str(person.pk): 1 for person in people}
    assert str(late.pk) not in taken_back()
    [message] = {message for message, _address in memory().outbox if message.retracts}
    assert (message.tag, message.id) == (rollout.announcement.item_id, rollout.announcement.item_id)
    assert (message.title, message.body, message.url) == ("This announcement was withdrawn.", "", "")
    assert (message.token, message.actions, message.ttl) == ("", (), SHOWN_SECONDS)
    assert figures() == (10, 0, 10, 10)
    assert Rollout.objects.retracting().get().state == RolloutState.DONE
    rollout.refresh_from_db()
    assert rollout.sent == 10

    trail = audit.steps_of(rollout.announcement).filter(step__in=["withdrawn", "taken_back"])
    assert list(trail.values_list("step", "details")) == [
        ("taken_back", {"method": "web_push", "sent": 10, "failed": 0}),
        ("withdrawn", {}),
    ]

    assert announce.withdraw(rollout.announcement) is False
    one_worker.run_due()
    assert sum(taken_back().values()) == 10


def test_a_transport_that_cannot_take_back_gets_nothing(alice: User, settings: Settings, one_worker: Worker) -> None:
    transports = {"web_push": "tests.support.deliveries.PushInMemory"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}
    rollout = announced()
    one_worker.run_due()
    announce.withdraw(rollout.announcement)
    one_worker.run_due()
    assert [message.retracts for message, _address in memory().outbox] == [False]
    assert not Rollout.objects.retracting().exists()


def test_people_who_read_it_and_screens_that_forgot_it_are_left_alone(
    alice: User, bob: User, one_worker: Worker
) -> None:
    charlie = User.objects.create(username="charlie2")
    rollout = announced()
    one_worker.run_due()
    Notification.objects.filter(recipient=alice).mark_all_as_read()
    old = datetime.now(UTC) - timedelta(seconds=SHOWN_SECONDS + 60)
    Delivery.objects.filter(notification__recipient=bob).update(settled_at=old)
    announce.withdraw(rollout.announcement)
    one_worker.run_due()
    assert taken_back() == {str(charlie.pk): 1}
    assert figures() == (2, 1, 1, 1)


def test_a_person_who_reads_it_after_the_plan_is_left_alone(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    one_worker.run_due()
    announce.withdraw(rollout.announcement)
    planner.RolloutPlanner().plan_more(1, len)
    Notification.objects.mark_all_as_read()
    one_worker.run_due()
    assert taken_back() == {}
    assert Delivery.objects.get(is_retraction=True).reason == "read"


def test_a_late_report_of_the_push_does_not_keep_it_on_the_screen(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    one_worker.run_due()
    announce.withdraw(rollout.announcement)
    planner.RolloutPlanner().plan_more(1, len)
    arming.mark_delivered([Notification.objects.get().pk], "web_push")
    one_worker.run_due()
    assert taken_back() == {str(alice.pk): 1}


def test_a_message_that_a_worker_is_sending_is_awaited(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    plan(rollout)
    Delivery.objects.update(claim="6f1c1b57-6d6f-4d41-8a3c-1df1f0a1b7c2", due_at=datetime.now(UTC) + timedelta(hours=1))
    announce.withdraw(rollout.announcement)
    one_worker.run_due()
    assert taken_back() == {}
    assert Rollout.objects.retracting().get().planned_at is None

    settled = {"state": DeliveryState.SENT, "claim": None, "settled_at": datetime.now(UTC)}
    Delivery.objects.update(**settled)
    one_worker.run_due()
    assert taken_back() == {str(alice.pk): 1}


@pytest.mark.parametrize("left", [{"claim": "6f1c1b57-6d6f-4d41-8a3c-1df1f0a1b7c2"}, {"attempts": 1}])
def test_what_a_killed_worker_may_have_sent_is_taken_back(
    alice: User, one_worker: Worker, left: dict[str, Any]
) -> None:
    rollout = announced()
    plan(rollout)
    Delivery.objects.update(**left)
    announce.withdraw(rollout.announcement)
    one_worker.run_due()
    assert taken_back() == {str(alice.pk): 1}
    assert list(Delivery.objects.order_by("pk").values_list("state", "is_retraction")) == [
        ("cancelled", False),
        ("sent", True),
    ]


def test_what_was_never_tried_is_only_cancelled(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    plan(rollout)
    announce.withdraw(rollout.announcement)
    one_worker.run_due()
    assert memory().outbox == []
    assert figures() == (0, 0, 0, 0)


def test_a_failing_service_is_tried_again(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    one_worker.run_due()
    announce.withdraw(rollout.announcement)
    memory().fail_next(TransportError("Not now."))
    one_worker.run_due()
    assert taken_back() == {}
    Delivery.objects.update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    one_worker.run_due()
    assert taken_back() == {str(alice.pk): 1}


def test_it_can_be_paused_and_stopped(one_worker: Worker) -> None:
    members(6)
    rollout = announced()
    one_worker.run_due()
    announce.withdraw(rollout.announcement)
    planner.RolloutPlanner().plan_more(1, len)
    assert control.pause(rollout.announcement) == 1
    one_worker.run_due()
    assert taken_back() == {}
    assert control.stop(rollout.announcement) == 1
    one_worker.run_due()
    assert taken_back() == {}
    assert Rollout.objects.retracting().get().finished_at is not None


def test_other_notifications_go_first(alice: User, bob: User, one_worker: Worker) -> None:
    members(6)
    rollout = announced()
    one_worker.run_due()
    announce.withdraw(rollout.announcement)
    planner.RolloutPlanner().plan_more(10, len)
    send_due(bob, alice)
    one_worker.run_due()
    sent = [(message.id, message.retracts) for message, _address in memory().outbox]
    assert sent[:9][-1] == (str(Notification.objects.latest("pk").pk), False)
    assert [retracts for _id, retracts in sent[9:]] == [True] * 8


@pytest.mark.django_db(transaction=True)
def test_hosts_hear_of_deliveries_alone(alice: User, one_worker: Worker) -> None:
    heard: list[Any] = []
    rollout = announced()

    def listen(deliveries: Any, **kwargs: Any) -> None:
        heard.extend(deliveries)

    delivery_settled.connect(listen, weak=False)
    try:
        one_worker.run_due()
        announce.withdraw(rollout.announcement)
        one_worker.run_due()
    finally:
        delivery_settled.disconnect(listen)
    assert taken_back() == {str(alice.pk): 1}
    assert len(heard) == 1


def test_its_story_says_so(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    one_worker.run_due()
    announce.withdraw(rollout.announcement)
    one_worker.run_due()
    row = Notification.objects.get()
    assert [step.words for step in steps_of(row)][-1].startswith("Taken back, ")
    assert "We took it back from" in [step.words for step in report_steps(row)][-1]


def test_an_announcement_that_ends_by_itself_is_not_taken_back(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    one_worker.run_due()
    type(rollout.announcement).objects.update(ends_at=datetime.now(UTC) - timedelta(seconds=1))
    announce.retire_ended()
    one_worker.run_due()
    assert taken_back() == {}


def test_a_push_that_waits_at_its_service_is_not_shown_after_the_end(alice: User, one_worker: Worker) -> None:
    announced(ends_at=datetime.now(UTC) + timedelta(minutes=5))
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert 200 < message.ttl <= 300


# Cost, and killed workers


def test_a_step_reads_only_what_was_sent(alice: User, bob: User) -> None:
    sent = announced(audience="staff")
    [row] = send(bob, alice)
    _insert(row.pk, "sent", sent.pk + 1000, 10 * MANY)
    _insert(row.pk, "failed", sent.pk, MANY)
    _insert(row.pk, "sent", sent.pk, MANY)
    Delivery.objects.exclude(state="waiting").update(settled_at=datetime.now(UTC))
    Rollout.objects.filter(pk=sent.pk).update(finished_at=datetime.now(UTC), sent=MANY)
    announce.withdraw(sent.announcement)
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    plans = plans_of(lambda: planner.RolloutPlanner().plan_more(1, len))
    steps = [one for one in plans if "hub_delivery_rollout_sent" in one]
    assert len(steps) >= 1
    for one in plans:
        assert not any(word in one for word in ("Sort", "TEMP B-TREE", "Seq Scan on notifications_hub_delivery")), one


_WORKER = """
    from django.conf import settings
    settings.NOTIFICATIONS_HUB = {
        **settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"web_push": "tests.support.file_transport.FileTransport"},
        "ACK_WINDOW": 0,
    }
    import threading
    from notifications_hub.delivery import worker
    worker.run(threading.Event())
"""


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
@pytest.mark.django_db(transaction=True)
def test_killed_workers_leave_nothing_on_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, one_worker: Worker
) -> None:
    monkeypatch.setattr(planner, "CHUNK", 100)
    sent = tmp_path / "sent"
    sent.touch()
    monkeypatch.setenv("SENT_FILE", str(sent))
    people = members(5_000 if FULL else 300)
    rollout = announced()
    one_worker.run_due()
    announce.withdraw(rollout.announcement)

    for part in (0.1, 0.5, 0.9) if FULL else (0.5,):
        working = in_process(_WORKER)
        wait_until(partial(_has_sent, sent, part * len(people)), seconds=300, what="a part of it")
        working.kill()
        assert working.wait(30) == -signal.SIGKILL
        # The leases of the killed one are over.
        Delivery.objects.filter(claim__isnull=False).update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    use_file(settings)
    with closing(Worker()) as last:
        last.run_due()

    reached = Counter(line.split()[1] for line in sent.read_text().splitlines())
    assert reached.keys() == {str(person.pk) for person in people}
    assert figures() == (len(people), 0, len(people), len(people))
    assert Delivery.objects.filter(is_retraction=True).count() == len(people)
    assert Rollout.objects.retracting().get().finished_at is not None


def _has_sent(sent: Path, least: float) -> bool:
    return len(sent.read_text().splitlines()) >= least
