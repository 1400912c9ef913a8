"""A killed worker is found by its count, which stands still. One that lives loses nothing of what it holds."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from notifications.signals import notify

from accounts.models import User
from notifications_hub.announcements.rollouts import planner
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.delivery import claiming, worker_life
from notifications_hub.delivery.models import Delivery, DeliveryState, SendingProcess
from notifications_hub.delivery.worker import Worker
from notifications_hub.models import Notification
from tests.announcements.test_rollouts import _by_memory, announced, members, plan
from tests.support.deliveries import one_worker

__all__ = ["_by_memory", "one_worker"]

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

HELD = 6


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        monkeypatch.setattr("notifications_hub.delivery.worker_life.monotonic", lambda: self.now)

    def go(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> uuid.UUID:
    """Let a process claim deliveries of an announcement. This one is another from then on."""
    monkeypatch.setattr(worker_life, "_own", worker_life._Process())
    members(HELD)
    rollout = announced()
    plan(rollout, steps=2)
    worker_life.beat()
    assert len(claiming.claim_due(rollout=rollout.pk)) == HELD
    name = worker_life._own.name
    monkeypatch.setattr(worker_life, "_own", worker_life._Process())
    return name


def due() -> int:
    return Delivery.objects.filter(due_at__lte=datetime.now(UTC) + timedelta(seconds=1)).count()


def look(watch: worker_life.Watch) -> int:
    """Look once, and take over. Return how many deliveries fell due."""
    rollouts = list(Rollout.objects.values_list("pk", flat=True))
    return sum(worker_life.take_over(name, count, rollouts) for name, count in watch.gone().items())


def test_what_a_killed_worker_held_is_taken_over_once(killed: uuid.UUID, clock: Clock) -> None:
    watch, taken, seconds = worker_life.Watch(), 0, 0
    while not taken and seconds < 30:
        taken = look(watch)
        clock.go(1)
        seconds += 1
    assert (taken, due()) == (HELD, HELD)
    assert worker_life.LATE_SECONDS + worker_life.SURE_SECONDS <= seconds <= 13
    assert not SendingProcess.objects.exists()
    assert look(watch) == 0


def test_one_that_counts_keeps_what_it_holds(killed: uuid.UUID, clock: Clock) -> None:
    watch = worker_life.Watch()
    for number in range(40):
        assert look(watch) == 0
        clock.go(1)
        if number % 8 == 0:
            SendingProcess.objects.filter(name=killed).update(count=number + 2)
    assert due() == 0


def test_nobody_is_gone_because_the_database_hung(killed: uuid.UUID, clock: Clock) -> None:
    """Nobody counts and nobody looks for a minute. The first look after it finds the process late, not gone."""
    watch = worker_life.Watch()
    for _ in range(4):
        look(watch)
        clock.go(1)
    clock.go(60)
    assert look(watch) == 0
    clock.go(1)
    SendingProcess.objects.filter(name=killed).update(count=2)
    for _ in range(8):
        clock.go(1)
        assert look(watch) == 0
    assert due() == 0


def test_one_that_counts_at_the_last_moment_keeps_what_it_holds(killed: uuid.UUID) -> None:
    assert worker_life.take_over(killed, 0, list(Rollout.objects.values_list("pk", flat=True))) == 0
    assert due() == 0
    assert SendingProcess.objects.get().name == killed


def test_one_that_leaves_keeps_what_it_holds(killed: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = worker_life._Process()
    theirs.prefix, theirs.count, theirs.beaten_at = killed.bytes[:8], 1, 0.0
    monkeypatch.setattr(worker_life, "_own", theirs)
    worker_life.leave()
    assert worker_life.take_over(killed, 1, list(Rollout.objects.values_list("pk", flat=True))) == 0
    assert due() == 0
    worker_life.beat()
    assert SendingProcess.objects.get().count == 2


def test_nobody_is_gone_because_it_counts_people(
    one_worker: Worker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes long with millions. No row says meanwhile that this process ought to count, and no lease has begun."""
    found: list[tuple[bool, bool]] = []

    def count_people(rollout: Rollout) -> int:
        found.append((SendingProcess.objects.exists(), Delivery.objects.exists()))
        return HELD

    monkeypatch.setattr(planner, "count_people", count_people)
    # Time for a second step, which finds nobody else.
    monkeypatch.setattr(planner, "PLAN_SECONDS", 60)
    monkeypatch.setattr(worker_life, "_own", worker_life._Process())
    members(HELD)
    announced()
    worker_life.beat()
    assert one_worker.turn()
    assert found == [(False, False)]
    assert SendingProcess.objects.exists()

    one_worker.run_due()
    clock.go(worker_life.LATE_SECONDS)
    one_worker.turn()
    assert not SendingProcess.objects.exists()


def test_only_announcements_make_a_process_count(one_worker: Worker, alice: User) -> None:
    notify.send(alice, recipient=alice, verb="replied")
    Notification.objects.update(unread=False)
    Delivery.objects.update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    assert one_worker.turn() == 1
    one_worker.turn()
    assert Delivery.objects.get().state == DeliveryState.CANCELLED
    assert not SendingProcess.objects.exists()


def test_what_others_hold_is_left_alone(killed: uuid.UUID, clock: Clock) -> None:
    mine = Delivery.objects.order_by("pk")[0]
    Delivery.objects.filter(pk=mine.pk).update(claim=worker_life.new_claim())
    assert worker_life.take_over(killed, 1, list(Rollout.objects.values_list("pk", flat=True))) == HELD - 1
    assert mine.pk in Delivery.objects.filter(due_at__gt=datetime.now(UTC) + timedelta(seconds=1)).values_list(
        "pk", flat=True
    )
