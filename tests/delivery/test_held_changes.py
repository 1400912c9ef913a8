"""Quiet hours that change while something waits, and several workers that find what waited."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import claiming
from notifications_hub.delivery.group_claims import claim_groups
from notifications_hub.delivery.groups import summed_up_beside
from notifications_hub.delivery.held import LONGEST_HOLD
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.worker import Worker
from notifications_hub.quiet_hours.calendar import Schedule, Window
from notifications_hub.quiet_hours.schedules import save_schedule
from tests.support.deliveries import make_due, one_worker, send_due, states, use_memory
from tests.support.quiet import A_WHILE, Commits, change, end_pause, pause, titles

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


# Changes


def test_another_schedule_is_followed_at_once(
    alice: User, bob: User, one_worker: Worker, django_capture_on_commit_callbacks: Commits
) -> None:
    pause(alice, hours=2)
    for _ in range(2):
        send_due(bob, alice)
    one_worker.run_due()
    until = datetime.now(UTC) + timedelta(hours=5)
    change(alice, Schedule(paused_until=until), django_capture_on_commit_callbacks)
    one_worker.run_due()
    assert [at for at in Delivery.objects.values_list("due_at", flat=True) if abs(at - until) > A_WHILE] == []
    change(alice, Schedule(), django_capture_on_commit_callbacks)
    one_worker.run_due()
    assert titles() == ["2 notifications while you were away"]


def test_what_waits_for_months_is_looked_at_in_between(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=24 * 90)
    send_due(bob, alice)
    one_worker.run_due()
    waiting = Delivery.objects.get()
    until = datetime.now(UTC) + timedelta(days=90)
    assert waiting.reason_parameters["until"][:10] == f"{until:%Y-%m-%d}"
    assert abs(waiting.due_at - datetime.now(UTC) - LONGEST_HOLD) < A_WHILE
    make_due()
    one_worker.run_due()
    # The same wait is one entry.
    assert [entry["reason"] for entry in Delivery.objects.get().trail].count("quiet_hours") == 1
    assert states() == [("waiting", "quiet_hours")]


def test_another_zone_is_followed_at_once(
    alice: User, bob: User, one_worker: Worker, django_capture_on_commit_callbacks: Commits
) -> None:
    # The whole of today where it is one date, and of no day where it is another.
    now = datetime.now(UTC)
    east, west = Schedule(zone="Pacific/Kiritimati"), Schedule(zone="Etc/GMT+12")
    assert (east.quiet_until(now), west.quiet_until(now)) == (None, None)
    weekday = (now + timedelta(hours=14)).weekday()
    window = Window(frozenset({weekday}), 0, 0)
    save_schedule(alice, Schedule(zone="Pacific/Kiritimati", windows=(window,)))
    send_due(bob, alice)
    one_worker.run_due()
    assert states() == [("waiting", "quiet_hours")]
    change(alice, Schedule(zone="Etc/GMT+12", windows=(window,)), django_capture_on_commit_callbacks)
    one_worker.run_due()
    assert states() == [("sent", "accepted")]


def test_a_schedule_that_changes_while_a_worker_decides_is_followed(
    alice: User, bob: User, one_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause(alice, hours=2)
    send_due(bob, alice)
    record = claiming.record

    def record_late(settled: Any) -> None:
        if settled:
            # The delivery is claimed, so the change itself does not find it.
            save_schedule(alice, Schedule())
        record(settled)

    with monkeypatch.context() as patch:
        patch.setattr(claiming, "record", record_late)
        one_worker.run_due()
    time.sleep(0.01)
    one_worker.run_due()
    assert states() == [("sent", "accepted")]


def test_a_clock_that_goes_back_holds_back_again(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    send_due(bob, alice)
    one_worker.run_due()
    # Due, as for a clock that went forward and back again.
    make_due()
    one_worker.run_due()
    one = Delivery.objects.get()
    assert (one.state, one.reason, len(one.trail)) == ("waiting", "quiet_hours", 1)


# Several workers


def test_only_the_worker_with_the_oldest_sums_up(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    for _ in range(6):
        send_due(bob, alice)
    one_worker.run_due()
    end_pause(alice)
    first, second = claiming.claim_due(3), claiming.claim_due(2)
    assert (len(first), len(second)) == (3, 2)
    assert claim_groups(second) == []
    [group] = claim_groups(first)
    assert (group.number, len(group.newest)) == (6, 6)
    assert claim_groups(second) == []
    assert claiming.claim_due(10) == []


def test_a_group_passes_to_another_worker_with_the_lease(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    for _ in range(4):
        send_due(bob, alice)
    one_worker.run_due()
    end_pause(alice)
    claim_groups(claiming.claim_due(1))
    assert one_worker.run_due() == 0
    make_due()
    one_worker.run_due()
    assert titles() == ["4 notifications while you were away"]
    assert states() == [("sent", "summed_up")] * 4


def test_a_report_marks_all_that_a_message_summed_up(alice: User, bob: User, one_worker: Worker) -> None:
    pause(alice, hours=2)
    rows = [row for _ in range(3) for row in send_due(bob, alice)]
    one_worker.run_due()
    end_pause(alice)
    [group] = claim_groups(claiming.claim_due(1))
    newest = group.newest[-1]
    assert sorted({newest.notification_id, *summed_up_beside(newest)}) == [row.pk for row in rows]
