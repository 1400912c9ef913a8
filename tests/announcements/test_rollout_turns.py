"""A worker's turn with rollouts: fast through people who get nothing, fair, and safe beside faults and long waits."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from notifications_hub import broadcast, delivery_settled
from notifications_hub.announcements import announce
from notifications_hub.announcements.rollouts import control, planner
from notifications_hub.announcements.rollouts.models import Rollout, RolloutState
from notifications_hub.delivery import bulk
from notifications_hub.delivery.models import Delivery, DeliveryState, Preference
from notifications_hub.delivery.worker import Worker
from notifications_hub.streams.sweeper import Isolation, sweep
from notifications_hub.transports.memory import Memory
from tests.announcements.test_rollouts import announced, members, plan, reached
from tests.support.deliveries import one_worker, use_memory

__all__ = ["one_worker"]

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

_away: list[Exception] = []


def perhaps() -> QuerySet[User]:
    if _away:
        raise _away[0]
    return User.objects.all()


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    use_memory(settings, ack_window=0)
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "AUDIENCES": {"perhaps": f"{__name__}.perhaps"}}
    monkeypatch.setattr(planner, "CHUNK", 4)
    monkeypatch.setattr(planner, "_isolation", Isolation(longest=60))
    _away.clear()


# Pace


def test_a_turn_goes_on_until_it_finds_people_who_want_it(one_worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "PLAN_SECONDS", 60)
    *unwilling, willing = members(41)
    Preference.objects.bulk_create(Preference(person=one, kind="announcement", methods=[]) for one in unwilling)
    announced()
    assert one_worker.turn() == 1
    one_worker.run_due()
    assert reached() == {str(willing.pk): 1}


def test_a_turn_ends_in_time_and_the_next_one_goes_on(one_worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "PLAN_SECONDS", 0)
    people = members(20)
    Preference.objects.bulk_create(Preference(person=one, kind="announcement", methods=[]) for one in people)
    rollout = announced()
    assert (one_worker.turn(), one_worker.has_more) == (0, True)
    rollout.refresh_from_db()
    assert rollout.looked_at == 4

    assert one_worker.run_due() == 0
    rollout.refresh_from_db()
    assert (rollout.state, rollout.unwanted) == (RolloutState.DONE, 20)


def test_a_worker_holds_what_it_plans_from_the_beginning(one_worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """It updates no delivery before its outcome, and loads none again."""
    monkeypatch.setattr(planner, "CHUNK", 500)
    people = members(30)
    announced()
    with CaptureQueriesContext(connection) as caught:
        one_worker.turn()
    held = Delivery.objects.exclude(claim=None).filter(due_at__gt=datetime.now(UTC) + timedelta(seconds=30))
    assert held.count() == len(people)
    statements = [one["sql"].split()[0] for one in caught if '"notifications_hub_delivery"."address"' in one["sql"]]
    assert statements == []
    assert not any(one["sql"].startswith('UPDATE "notifications_hub_delivery"') for one in caught)


def test_what_a_worker_cannot_hold_is_due(settings: Settings) -> None:
    own = {"TRANSPORTS": {"web_push": f"{__name__}.ThreeAddresses"}}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **own}
    members(4)
    rollout = announced()
    planned = planner.RolloutPlanner().plan_more(5, len)
    assert (planned.begun, planned.rollouts) == (5, [rollout.pk])
    assert Delivery.objects.filter(claim=None, due_at__lte=Now()).count() == 12 - 5


def test_a_worker_sends_what_it_holds_although_the_next_step_fails(
    one_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "PLAN_SECONDS", 60)
    members(8)
    announced()
    steps = iter([planner._plan_step])

    def once(rollout: Rollout, people: int, claims: int) -> planner.Step:
        return next(steps)(rollout, people, claims)

    monkeypatch.setattr(planner, "_plan_step", once)
    assert one_worker.turn() == 4
    one_worker.finish()
    assert len(reached()) == 4
    assert planner._isolation.resting()


def test_a_rollout_that_fails_rests(one_worker: Worker) -> None:
    members(2)
    rollout = announced(audience="audience.perhaps")
    _away.append(RuntimeError("the directory is away"))
    one_worker.turn()
    assert planner._isolation.resting() == [rollout.pk]


def test_one_that_has_yet_to_start_takes_no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "PLAN_SECONDS", 60)
    members(12)
    announced()
    later = broadcast(title="Later").rollouts
    sweep()
    later.update(starts_at=datetime.now(UTC) + timedelta(hours=1))
    assert planner.RolloutPlanner().plan_more(8, len).begun == 8


def test_rollouts_share_the_free_slots(one_worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "CHUNK", 500)
    members(300)
    plan(announced())
    plan(announced(title="Second"))
    monkeypatch.setattr(one_worker, "_record", lambda: None)
    one_worker.turn()
    claimed = Counter(Delivery.objects.exclude(claim=None).values_list("rollout", flat=True))
    assert set(claimed.values()) == {100}


def test_a_paused_one_costs_a_turn_nothing() -> None:
    members(6)
    for number in range(3):
        control.pause(broadcast(title=f"Number {number}"))
    with CaptureQueriesContext(connection) as caught:
        planned = planner.RolloutPlanner().plan_more(1, len)
    assert (len(caught), planned) == (1, bulk.Planned())
    assert not bulk.has_work()


def test_a_paused_one_ends_with_its_announcement(one_worker: Worker) -> None:
    members(6)
    rollout = announced()
    plan(rollout)
    control.pause(rollout.announcement)
    announce.withdraw(rollout.announcement)
    assert bulk.has_work()
    one_worker.run_due()
    rollout.refresh_from_db()
    assert (rollout.state, rollout.finished_at is None) == (RolloutState.STOPPED, False)
    assert not bulk.has_work()


# Faults


@pytest.mark.parametrize("error", [RuntimeError("away"), OperationalError("no such column")])
def test_nothing_is_sent_while_the_audience_cannot_be_read(error: Exception, one_worker: Worker) -> None:
    members(6)
    rollout = announced(audience="audience.perhaps")
    plan(rollout)
    _away.append(error)
    one_worker.run_due()
    assert reached() == {}
    rollout.refresh_from_db()
    assert (rollout.planned, rollout.sent, rollout.is_held_up) == (4, 0, True)
    assert rollout.problem == f"{type(error).__name__}: {error}"

    control.stop(rollout.announcement)
    rollout.refresh_from_db()
    assert (rollout.is_held_up, rollout.percent) == (False, 66)


class ThreeAddresses(Memory):
    def addresses(self, person: Any) -> list[str]:
        return [f"{person.pk}-{number}" for number in range(3)]


class TwoLongAddresses(Memory):
    def addresses(self, person: Any) -> list[str]:
        return [f"{'a' * 255}{number}" for number in range(2)]


def test_addresses_that_are_cut_to_the_same_count_once(alice: User, settings: Settings, one_worker: Worker) -> None:
    own = {"TRANSPORTS": {"web_push": f"{__name__}.TwoLongAddresses"}}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **own}
    rollout = announced()
    one_worker.run_due()
    rollout.refresh_from_db()
    assert (rollout.planned, rollout.sent) == (1, 1)


def test_a_stop_tells_the_host_what_was_cancelled(
    one_worker: Worker, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    heard: list[Any] = []

    def hear(deliveries: Any, **_kwargs: Any) -> None:
        heard.extend(deliveries)

    members(4)
    rollout = announced()
    plan(rollout)
    control.stop(rollout.announcement)
    delivery_settled.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            planner.RolloutPlanner().plan_more(1, len)
    finally:
        delivery_settled.disconnect(hear)
    assert [(one.state, str(one.reason.code)) for one in heard] == [(DeliveryState.CANCELLED, "stopped")] * 4


# Time


def test_pages_have_their_time_after_a_long_transaction(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ACK_WINDOW": 30}
    rollout = announced()
    announce._count_from_commit(rollout.announcement_id, began=time.monotonic() - 60)
    rollout.refresh_from_db()
    assert rollout.starts_at > datetime.now(UTC) + timedelta(seconds=20)


# Deletion


def test_a_deletion_locks_rollouts_before_the_announcement() -> None:
    """A step holds its rollout and then needs the announcement, so the other order would deadlock."""
    rollout = announced()
    with CaptureQueriesContext(connection) as caught:
        rollout.announcement.delete()
    assert not Rollout.objects.exists()
    if connection.features.has_select_for_update:
        locks = [one["sql"] for one in caught if "FOR UPDATE" in one["sql"]]
        assert [("rollout" in sql.partition("WHERE")[0]) for sql in locks[:2]] == [True, False]
