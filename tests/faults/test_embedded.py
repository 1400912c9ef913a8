"""T23: one process on SQLite, without Celery and Redis. Threads of the server and other processes notify people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.ledger import Acknowledged, Applied, Ledger
from tests.faults.producer import Order
from tests.faults.run import Run, running
from tests.support.databases import SqliteDatabases
from tests.support.full import FULL
from tests.support.live import SSE, WEBSOCKET
from tests.support.processes import wait_until
from tests.support.site import Site

SECONDS, RATE = (20, 40) if FULL else (3, 15)
PROMPT = 0.2
"""Seconds from the commit of a plain thread to the page, by a connection that pushes."""


@pytest.fixture
def site(tmp_path: Path, run_folder: Path) -> Iterator[Site]:
    environment = {"DATABASE_URL": SqliteDatabases(tmp_path, run_folder).copy()}
    site = Site(tmp_path, hub={}, environment=environment, server=("-m", "tests.faults.embedded_site", str(tmp_path)))
    yield site
    site.close()


@pytest.mark.clocked
@pytest.mark.faults(short=True)
def test_a_site_of_one_process_loses_nothing_and_its_own_threads_are_heard_at_once(site: Site, tmp_path: Path) -> None:
    with running(site.url, site.environment, tmp_path, people=2) as run:
        verdict = run.prove(seconds=SECONDS, rate=RATE, happening=lambda: notify_from_threads(run, tmp_path))
        delays = delays_of_threads(run, tmp_path)
    median, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    record("T23", verdict, thread_median_seconds=median, thread_p99_seconds=p99)
    assert verdict.holds
    assert verdict.resets == 0
    assert "Traceback" not in site.log
    assert median < PROMPT
    assert not FULL or p99 < PROMPT


def notify_from_threads(run: Run, folder: Path) -> None:
    """Let threads of the server notify the same people. Add what they committed to the run's ledger."""
    order = Order(str(folder / "of-threads"), run.people, RATE, SECONDS, threads=2, seed=7)
    (folder / "order.tmp").write_text(json.dumps(asdict(order)))
    (folder / "order.tmp").rename(folder / "order.json")
    wait_until((folder / "done.json").exists, seconds=SECONDS + 60, what="the end of the server's threads")
    assert json.loads((folder / "done.json").read_text())["failed"] == 0
    for line in of_threads(folder):
        run.ledger.write(line)


def of_threads(folder: Path) -> list[Acknowledged]:
    return Ledger(folder / "of-threads").read(Acknowledged)


def delays_of_threads(run: Run, folder: Path) -> list[float]:
    """Return, sorted, the seconds from each commit of a server's thread to the pages that are pushed to."""
    committed = {line.mark: line.at for line in of_threads(folder)}
    pushed = [event for event in run.ledger.read(Applied) if event.client.split("/")[1] in (WEBSOCKET, SSE)]
    delays = sorted(event.at - committed[event.mark] for event in pushed if event.mark in committed)
    assert len(delays) > len(committed)
    return delays
