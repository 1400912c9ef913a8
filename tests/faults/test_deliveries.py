"""Workers that are killed while they send: every push and email arrives, and again only under its own name."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.ledger import Ledger, judge_deliveries
from tests.faults.run import Run, running
from tests.faults.taken import HUB, taking
from tests.support.full import FULL
from tests.support.processes import ROOT, Program, wait_until
from tests.support.site import Site

KILLS, SECONDS, RATE, PRODUCERS = (20, 40, 40, 2) if FULL else (1, 4, 20, 1)
LEASE_SECONDS = 60


class Worker:
    """`hub_worker` in its own process, started again after each kill."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._log, self._environment = folder / "worker.log", environment
        self.start()

    def start(self) -> None:
        command = [sys.executable, str(ROOT / "manage.py"), "hub_worker"]
        self._program = Program(command, log=self._log, environment=self._environment)

    def kill(self) -> None:
        self._program.kill()
        self.start()

    def close(self) -> None:
        self._program.kill()


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
def test_killed_workers_lose_nothing_and_double_nothing(start_site: Callable[..., Site], tmp_path: Path) -> None:
    """T21: half of the people have a browser without a page, the others an email address. Workers are killed."""
    with taking(Ledger(tmp_path / "ledger"), tmp_path) as services:
        site = start_site({**HUB, "EMBEDDED_WORKER": False}, **services.environment)
        worker = Worker(tmp_path, site.environment)
        try:
            with running(site.url, site.environment, tmp_path, people=6) as run:
                pushed, mailed, watching = run.people[:2], run.people[2:4], run.people[4:]
                services.subscribe(run, pushed)
                services.give_addresses(run, mailed)
                run.listen_only(watching)
                verdict = run.prove(
                    seconds=SECONDS, rate=RATE, producers=PRODUCERS, happening=lambda: kill_often(worker)
                )
                settle(run, pushed, mailed)
        finally:
            worker.close()
    for method, people in (("web_push", pushed), ("email", mailed)):
        found = judge_deliveries(run.ledger, method=method, people=people)
        record(f"T21 {method}", promised=found.promised, lost=found.lost, again=found.again, doubled=found.doubled)
        assert found.promised > 0
        assert (found.lost, found.doubled) == (0, 0)
        assert found.again <= KILLS * 200, "only what a killed worker had just sent comes again"
    assert verdict.holds


def kill_often(worker: Worker) -> None:
    for _ in range(KILLS):
        time.sleep(SECONDS / (KILLS + 1))
        worker.kill()


def settle(run: Run, pushed: list[str], mailed: list[str]) -> None:
    """Wait until all is taken. What a killed worker had claimed is free once its lease ends."""

    def none_is_lost() -> bool:
        left = judge_deliveries(run.ledger, method="web_push", people=pushed).lost
        return left + judge_deliveries(run.ledger, method="email", people=mailed).lost == 0

    wait_until(none_is_lost, seconds=LEASE_SECONDS + 60, what="that everything is taken")
