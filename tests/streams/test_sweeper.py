"""The sweeper's chores, their isolation and their retries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
from django.db import InterfaceError, OperationalError, connection

from notifications_hub.streams import sweeper
from notifications_hub.streams.models import Event
from notifications_hub.streams.sweeper import MAX_RESTING, Isolation


@pytest.fixture(autouse=True)
def _nothing_failed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "_isolation", Isolation(longest=60))


@pytest.mark.both_databases
@pytest.mark.django_db
@pytest.mark.parametrize("error", [ZeroDivisionError, OperationalError, InterfaceError])
def test_a_failing_chore_blocks_no_other(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    done: list[str] = []

    def fail() -> None:
        raise error

    monkeypatch.setattr(sweeper, "_chores", [fail, partial(done.append, "swept")])
    sweeper.sweep()
    assert done == ["swept"]


@pytest.mark.django_db
def test_a_failing_chore_is_logged_once_and_retried_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[float] = []

    def fail() -> None:
        tried.append(clock.now)
        raise ZeroDivisionError

    clock = Clock(monkeypatch)
    monkeypatch.setattr(sweeper, "_chores", [fail])
    for clock.now in range(200):
        sweeper.sweep()
    assert tried == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert len(caplog.records) == 1


@pytest.mark.django_db
def test_a_recovered_chore_runs_each_second_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []

    def fail_at_first() -> None:
        tried.append(clock.now)
        if clock.now < 7:
            raise ZeroDivisionError

    clock = Clock(monkeypatch)
    monkeypatch.setattr(sweeper, "_chores", [fail_at_first])
    for clock.now in range(10):
        sweeper.sweep()
    assert tried == [0, 1, 3, 7, 8, 9]


class Clock:
    """The sweeper's clock, set by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("notifications_hub.streams.sweeper.time.monotonic", lambda: self.now)


def test_only_the_newest_of_very_many_failures_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    isolation: Isolation[int] = Isolation(longest=60)
    for number in range(MAX_RESTING + 500):
        with isolation.guard(number, "A single failure"):
            raise ZeroDivisionError
    assert isolation.resting() == list(range(500, MAX_RESTING + 500))


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_sweep_raises_if_the_database_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(sweeper, "_chores", [Event.objects.exists, partial(done.append, "swept")])
    connection.close()
    with monkeypatch.context() as away:
        for name, value in {"HOST": "127.0.0.1", "PORT": "1", "NAME": "/nowhere/to/be.found"}.items():
            away.setitem(connection.settings_dict, name, value)
        with pytest.raises(OperationalError):
            sweeper.sweep()
    assert done == []
    sweeper.sweep()
    assert done == ["swept"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_skips_no_chore(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def fail() -> None:
        with connection.cursor() as sql:
            sql.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(sweeper, "_chores", [fail, Event.objects.exists, partial(done.append, "swept")])
    sweeper.sweep()
    assert done == ["swept"]


def test_a_chore_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(sweeper, "_chores", [])

    def chore() -> None:
        done.append("swept")

    sweeper.every_second(sweeper.every_second(chore))
    sweeper.sweep()
    assert done == ["swept"]


@dataclass
class Process:
    """A process's sweeps, by a clock that the test sets."""

    clock: Clock
    done: list[str]

    def call(self, at: float) -> list[str]:
        """Call as a hub's or a worker's thread does, and return what ran."""
        self.clock.now = at
        self.done.clear()
        sweeper.sweep_in_turn()
        return list(self.done)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    done: list[str] = []
    monkeypatch.setattr(sweeper, "_turns", sweeper._Turns())
    monkeypatch.setattr(sweeper, "_chores", [partial(done.append, "chore")])
    monkeypatch.setattr(sweeper, "_patient", [partial(done.append, "patient")])
    return Process(Clock(monkeypatch), done)


def test_two_threads_of_a_process_sweep_once_a_second(process: Process) -> None:
    hub, worker = 0.0, 0.4
    ran = [(thread, len(process.call(second + thread))) for second in range(1, 4) for thread in (hub, worker)]
    assert [number for thread, number in ran if thread == hub] == [2, 1, 1]
    assert [number for thread, number in ran if thread == worker] == [0, 0, 0]


def test_a_patient_chore_runs_every_fifth_second(process: Process) -> None:
    assert [second for second in range(12) if "patient" in process.call(second)] == [0, 5, 10]
    assert [second for second in range(12, 15) if "chore" in process.call(second)] == [12, 13, 14]


def test_another_thread_sweeps_while_one_hangs(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def hang() -> None:
        monkeypatch.setattr(sweeper, "_chores", [partial(process.done.append, "chore")])
        seen.extend(process.call(at) for at in (0.5, 1.0))

    monkeypatch.setattr(sweeper, "_chores", [hang])
    process.call(0.0)
    assert seen == [[], ["chore"]]


@pytest.mark.django_db
def test_a_sweep_that_did_not_reach_the_database_is_repeated_at_once(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable() -> None:
        raise OperationalError

    with monkeypatch.context() as away:
        away.setattr(sweeper, "_database_answers", lambda: False)
        away.setattr(sweeper, "_chores", [unreachable])
        with pytest.raises(OperationalError):
            process.call(0.0)
    assert process.call(0.1) == ["chore", "patient"]
