"""PostgreSQL hangs: it accepts connections, keeps those that it has, and answers nothing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.faults.figures import record
from tests.faults.parts import Parts, deployed, paused
from tests.faults.run import Run, running
from tests.faults.times import recovery
from tests.support.databases import Databases
from tests.support.full import report
from tests.support.live import SSE, WEBSOCKET

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True)]

AWAY = 20.0
PAGES = ("/", "/notifications/", "/api/v1/notifications/count/", "/live/poll/?wait=0", "/live/poll/?wait=25")
PROBES = ("/healthz", "/readyz")
FAST = 6.0
"""The deadlines of 3 s and 5 s, and what a busy machine adds."""
EVERY_SECONDS = 0.5


@dataclass
class Asked:
    """Answers that visitors got, after how many seconds, and how many threads the process had meanwhile."""

    statuses: dict[str, list[int]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    threads: list[int] = field(default_factory=list)

    def ask(self, url: str, path: str, cookie: str) -> None:
        begun = time.monotonic()
        try:
            # A probe has no cookie.
            headers = {} if path in PROBES else {"Cookie": cookie}
            status = requests.get(url + path, headers=headers, timeout=60).status_code
        except requests.RequestException:
            status = 0
        self.statuses.setdefault(path, []).append(status)
        self.seconds.setdefault(path, []).append(time.monotonic() - begun)

    def slowest(self, *paths: str) -> float:
        return max(max(self.seconds[path]) for path in paths)

    def answered(self, *paths: str) -> set[int]:
        return {status for path in paths for status in self.statuses[path]}


def test_requests_fail_fast_and_connections_stay_while_postgresql_hangs(databases: Databases, tmp_path: Path) -> None:
    """T12: SIGSTOP for 20 s."""
    asked, back = Asked(), [0.0]

    def happening() -> None:
        back[0] = hung(parts, run, asked)
        time.sleep(8)
        run.end_producing()

    with (
        deployed(databases, tmp_path) as parts,
        running(parts.url, parts.environment, tmp_path, kinds=[WEBSOCKET, SSE], people=4) as run,
    ):
        verdict = run.prove(seconds=300, rate=40, threads=2, happening=happening)
        recovered = recovery(run.ledger, clients=run.people_of_clients, since=back[0])
        connections = max(client.connections for client in run.clients)
    for path in asked.seconds:
        statuses, count = sorted(asked.answered(path)), len(asked.seconds[path])
        report(f"{path}: {statuses}, slowest of {count} {asked.slowest(path):.3f} s")
    report(f"threads {asked.threads}")
    record(
        "T12", verdict, recovery_seconds=recovered, slowest_page_seconds=asked.slowest(*PAGES),
        slowest_healthz_seconds=asked.slowest("/healthz"), most_threads=max(asked.threads),
    )  # fmt: skip
    assert verdict.holds
    assert connections == 1
    assert asked.answered("/healthz") == {200}
    assert asked.answered("/readyz") == {503}
    assert asked.answered(*PAGES) <= {500, 503}
    assert asked.slowest("/healthz") < 1
    assert asked.slowest(*PAGES) < FAST
    # One for each request in progress, and what the process has anyway.
    assert max(asked.threads) < asked.threads[0] + (len(PAGES) + len(PROBES)) * FAST / EVERY_SECONDS
    assert recovered < 5


def hung(parts: Parts, run: Run, asked: Asked) -> float:
    """Pause the server while visitors ask for pages. Return when it went on."""
    run.until_produced()
    cookie = run.cookie_of("ledger0")
    [pid, *_children] = parts.pids("web-1")
    with ThreadPoolExecutor(200) as visitors:
        with paused(parts, "postgres"):
            # What was answered while the server stopped belongs to neither.
            time.sleep(0.5)
            end = time.monotonic() + AWAY - FAST
            while time.monotonic() < end:
                asked.threads.append(len(list(Path(f"/proc/{pid}/task").iterdir())))
                for path in (*PROBES, *PAGES):
                    visitors.submit(asked.ask, parts.web_urls[0], path, cookie)
                time.sleep(EVERY_SECONDS)
            time.sleep(FAST - 0.5)
        return time.time()
