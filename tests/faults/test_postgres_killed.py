"""PostgreSQL is killed under load, and comes back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.parts import Parts, deployed
from tests.faults.run import Run, running
from tests.faults.times import commits_per_second, median_per_second, recovery
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.live import LONG_POLL, POLL, SSE, WEBSOCKET

pytestmark = pytest.mark.postgres

RATE, AT_ONCE, PEOPLE, KILLS, AFTER = (1000, 50, 100, [6, 6, 6], 6) if FULL else (40, 2, 16, [1], 2)
KINDS = (*(WEBSOCKET, SSE) * (24 if FULL else 3), LONG_POLL, POLL)
"""Most pages hold a connection. A poll costs as much as many events."""


@pytest.mark.faults(alone=True)
def test_nothing_is_lost_if_postgresql_is_killed_again_and_again(databases: Databases, tmp_path: Path) -> None:
    """T11: `kill -9` every six seconds, three times, at up to 1,000 notifications a second, 50 in a commit."""
    with (
        deployed(databases, tmp_path) as parts,
        running(parts.url, parts.environment, tmp_path, people=PEOPLE, clients=PEOPLE, kinds=KINDS) as run,
    ):
        back: list[float] = []
        verdict = run.prove(
            seconds=300, rate=RATE, threads=2, at_once=AT_ONCE, happening=lambda: back.extend(killed(parts, run)),
        )  # fmt: skip
        recoveries = [recovery(run.ledger, clients=run.people_of_clients, since=at) for at in back]
    record(
        "T11", verdict, recovery_seconds=max(recoveries), kills=len(back), unacknowledged=verdict.unacknowledged,
        median_notifications_per_second=median_per_second(run.ledger),
        commits_per_second=commits_per_second(run.ledger),
    )  # fmt: skip
    assert verdict.holds
    assert verdict.resets == 0
    assert sum(produced["failed"] for produced in run.produced) > 0
    if FULL:
        assert max(recoveries) < 5


def killed(parts: Parts, run: Run) -> list[float]:
    """Kill the server again and again. Return when it accepted connections again."""
    run.until_produced()
    try:
        back = [_killed_after(seconds, parts) for seconds in KILLS]
        time.sleep(AFTER)
        return back
    finally:
        run.end_producing()


def _killed_after(seconds: float, parts: Parts) -> float:
    time.sleep(seconds)
    parts.kill("postgres")
    parts.start("postgres")
    return time.time()
