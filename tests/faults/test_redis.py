"""Redis is killed, swallows packets, forgets, is full, or may only be read. Writing goes on, and pages hear in time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product
from pathlib import Path

import pytest
import redis
import requests

from tests.faults.figures import record
from tests.faults.parts import OnCluster, Parts, TwoSites, deployed
from tests.faults.run import Run, running
from tests.faults.times import commits, recovery, worst_delay
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.redis import RedisServer

pytestmark = pytest.mark.postgres

AWAY, RATE, USUAL, AFTER = (10.0, 100, 5.0, 8.0) if FULL else (1.5, 30, 0.5, 1.0)
BY_CHECK, BACK, ADDED, SLOW = 10.0, 2.0, 0.2, 0.5
MOST_THREADS = 60
WEBS = ("web-1", "web-2")
PATHS = ("/api/v1/notifications/count/", "/live/poll/?wait=0", "/notifications/")
# The tests' own settings have none. Its counters are in the cache.
HUB = {"API_RATE": "6000/m"}
KILLED, FLUSHED, CUT, FULL_MEMORY, READ_ONLY, SWALLOWS = "killed", "flushed", "cut", "full", "read-only", "swallows"


@dataclass(frozen=True)
class Felt:
    """Effects of a fault, in seconds."""

    added: float
    """By how much the slowest commit but one percent was slower than before the fault."""
    delay: float
    """The longest time from a commit during the fault to a client."""
    back: float
    """The time from the end of the fault until every client had applied a later notification."""
    slow_requests: list[float]
    """The times of requests that took longer than half the timeout of the cache."""
    most_threads: int


class Redis:
    """The Redis of a site, with a way to break it in each manner, and to make it whole."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._elsewhere = ExitStack()

    def disturb(self, manner: str) -> None:
        with self._client() as client:
            if manner == KILLED:
                self._parts.kill("redis")
            elif manner == FLUSHED:
                client.flushall()
            elif manner == CUT:
                client.client_kill_filter(_type="pubsub")
                client.client_kill_filter(_type="normal", skipme=True)
            elif manner == FULL_MEMORY:
                client.config_set("maxmemory-policy", "noeviction")
                client.config_set("maxmemory", "1")
            elif manner == READ_ONLY:
                other = self._elsewhere.enter_context(RedisServer())
                client.replicaof("127.0.0.1", str(other.port))
            elif manner == SWALLOWS:
                # Its machine still takes connections and packets, and nothing answers.
                self._parts.pause("redis")

    def mend(self, manner: str) -> None:
        if manner == KILLED:
            self._parts.start("redis")
        elif manner == SWALLOWS:
            self._parts.resume("redis")
        with self._client() as client:
            client.config_set("maxmemory", "0")
            client.replicaof("NO", "ONE")
        self._elsewhere.close()

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self._parts.redis_url)


@pytest.fixture(scope="module")
def parts(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoSites | OnCluster]:
    with deployed(databases, tmp_path_factory.mktemp("redis"), hub=HUB) as parts:
        yield parts


@pytest.mark.faults(alone=True)
def test_writing_and_live_delivery_go_on_if_redis_is_killed(parts: Parts, tmp_path: Path) -> None:
    """T13: `kill -9`, away for ten seconds, restarted empty."""
    proved("T13", parts, Redis(parts), [KILLED], tmp_path)


@pytest.mark.faults(alone=True)
def test_they_go_on_if_redis_forgets_cuts_its_clients_is_full_or_read_only(parts: Parts, tmp_path: Path) -> None:
    """T15: FLUSHALL, CLIENT KILL, `maxmemory` reached, and a replica that refuses to write."""
    proved("T15", parts, Redis(parts), [FLUSHED, CUT, FULL_MEMORY, READ_ONLY], tmp_path)


@pytest.mark.faults(alone=True)
def test_they_go_on_if_redis_swallows_every_packet(parts: Parts, tmp_path: Path) -> None:
    """T14: nobody refuses, so whoever asks waits for a timeout. After the first, nobody asks for a while."""
    felt = proved("T14", parts, Redis(parts), [SWALLOWS], tmp_path)
    # One call finds out in each process, and one tries again every five seconds. Some come at the same moment.
    assert len(felt.slow_requests) <= 3 * len(WEBS) * (AWAY / 5 + 1)
    assert max(felt.slow_requests) < 2


def proved(test: str, parts: Parts, server: Redis, manners: Sequence[str], folder: Path) -> Felt:
    """Let clients listen and producers write while Redis fails in each manner. Return the worst that was felt."""
    felt: list[Felt] = []
    before = [parts.pids(part) for part in WEBS]
    with running(parts.url, parts.environment, folder) as run:

        def happening() -> None:
            run.until_produced()
            time.sleep(USUAL)
            try:
                felt.extend(_felt(run, parts, server, manner) for manner in manners)
            finally:
                run.end_producing()

        verdict = run.prove(seconds=300, rate=RATE, happening=happening)
    worst = Felt(
        max(one.added for one in felt), max(one.delay for one in felt), max(one.back for one in felt),
        [seconds for one in felt for seconds in one.slow_requests], max(one.most_threads for one in felt),
    )  # fmt: skip
    record(
        test, verdict, recovery_seconds=worst.back, added_to_a_commit_seconds=worst.added,
        worst_delay_without_redis_seconds=worst.delay, most_threads=worst.most_threads,
        slowest_request_seconds=max(worst.slow_requests, default=0.0),
    )  # fmt: skip
    assert verdict.holds
    assert verdict.resets == 0
    assert sum(produced["failed"] for produced in run.produced) == 0
    assert [parts.pids(part) for part in WEBS] == before
    assert worst.delay < BY_CHECK
    if FULL:
        assert worst.added < ADDED
        assert worst.back < BACK
        assert worst.most_threads < MOST_THREADS
    return worst


def _felt(run: Run, parts: Parts, server: Redis, manner: str) -> Felt:
    # Without the first commits, in which everything is done for the first time.
    usual = commits(run.ledger, since=time.time() - USUAL / 2)
    with ThreadPoolExecutor(1) as visitor:
        begun = time.time()
        server.disturb(manner)
        visiting = visitor.submit(_visit, parts, run.cookie_of(run.people[0]), begun + AWAY)
        slow, threads = visiting.result()
        server.mend(manner)
    ended = time.time()
    time.sleep(AFTER)
    return Felt(
        added=_slow(commits(run.ledger, since=begun, until=ended)) - _slow(usual),
        delay=worst_delay(run.ledger, since=begun, until=ended - 1),
        back=recovery(run.ledger, clients=run.people_of_clients, since=ended),
        slow_requests=slow,
        most_threads=threads,
    )


def _slow(took: Sequence[float]) -> float:
    return took[len(took) * 99 // 100]


def _visit(parts: Parts, cookie: str, until: float) -> tuple[list[float], int]:
    """Request pages until this time. Return the slow ones, and the most threads of a process."""
    slow, threads = [], 0
    while time.time() < until:
        for url, path in product(parts.web_urls, PATHS):
            begun = time.monotonic()
            response = requests.get(url + path, headers={"Cookie": cookie}, timeout=30)
            assert response.status_code == HTTPStatus.OK, f"{path}: {response.status_code}"
            if (took := time.monotonic() - begun) > SLOW:
                slow.append(took)
        threads = max(threads, *(len(list(Path(f"/proc/{parts.pids(part)[0]}/task").iterdir())) for part in WEBS))
    return slow, threads
