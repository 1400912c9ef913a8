"""A network between hosts that is slow, loses packets, is cut for a while, or forgets the connections through it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifications_hub.live.hub import SWEEP_SECONDS
from tests.faults.figures import record
from tests.faults.hosts import POSTGRES, REDIS, WEB_2, Hosts
from tests.faults.ledger import Verdict
from tests.faults.run import Run
from tests.support.namespaces import needs_namespaces
from tests.support.processes import wait_until

pytestmark = [needs_namespaces, pytest.mark.postgres, pytest.mark.faults]

RATE = 30
CUT_SECONDS = 20.0
"""Longer than a process waits for a database that does not answer."""
ANSWERS_SECONDS = 20.0
"""The longest that a process takes to say that it is not ready."""
RECOVERS_SECONDS = 10.0
NOTICED_SECONDS = 20.0
"""The longest that a process keeps a connection on which nothing comes back."""


@pytest.fixture(scope="module")
def shared_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    with Hosts(tmp_path_factory.mktemp("hosts")) as hosts:
        yield hosts


@pytest.fixture
def hosts(shared_hosts: Hosts) -> Iterator[Hosts]:
    yield shared_hosts
    shared_hosts.network.heal()
    wait_until(lambda: all(map(shared_hosts.is_ready, shared_hosts.webs)), what="a ready site")


@pytest.fixture
def run(hosts: Hosts, tmp_path: Path) -> Iterator[Run]:
    with hosts.running(tmp_path) as run:
        yield run


@pytest.mark.parametrize(
    ("name", "delay", "loss"),
    [pytest.param("latency", 0.05, 0.0, id="latency of 100 ms"), pytest.param("loss", 0.0, 0.05, id="loss of 5 %")],
)
def test_a_slow_or_lossy_network_loses_nothing(hosts: Hosts, run: Run, name: str, delay: float, loss: float) -> None:
    """Delay every packet and its answer by 100 ms between all hosts, or lose 5 % of all packets."""
    hosts.network.everywhere(delay=delay, loss=loss)
    verdict = run.prove(seconds=20, rate=RATE)
    record(f"network {name}", verdict, delay_p99_seconds=verdict.delay_p99)
    assert verdict.holds
    assert verdict.delay_p99 < 5.0


def test_a_process_without_redis_is_a_second_late_at_most(hosts: Hosts, run: Run) -> None:
    partition = Partition(hosts, run, REDIS, says=(200, "cache", "late"))
    cut_off, others = proven(run, partition)
    assert cut_off.delay_p99 <= SWEEP_SECONDS + 1.0
    assert others.delay_p99 <= SWEEP_SECONDS + 1.0


def test_a_process_without_the_database_catches_up_and_the_other_notices_nothing(hosts: Hosts, run: Run) -> None:
    partition = Partition(hosts, run, POSTGRES, says=(503, "database", "failed"))
    cut_off, others = proven(run, partition)
    assert partition.recovered <= RECOVERS_SECONDS
    assert cut_off.delay_worst <= CUT_SECONDS + RECOVERS_SECONDS
    assert others.delay_p99 <= SWEEP_SECONDS + 1.0


@pytest.mark.parametrize("store", [POSTGRES, REDIS])
def test_connections_that_died_in_silence_are_replaced(hosts: Hosts, run: Run, store: str) -> None:
    """A firewall forgets the connections through it. New ones pass, and nobody hears about the old ones."""

    def happen() -> None:
        run.until_produced()
        hosts.network.forget(WEB_2, store)

    verdict = run.prove(seconds=30, rate=RATE, happening=happen)
    cut_off, others = of_both(run)
    record(f"half-open {store}", verdict, others_worst_seconds=others.delay_worst)
    assert verdict.holds
    assert cut_off.delay_worst <= NOTICED_SECONDS
    assert others.delay_p99 <= SWEEP_SECONDS + 1.0


def proven(run: Run, partition: Partition) -> tuple[Verdict, Verdict]:
    """Judge a run with a partition, which the process notices. Return the verdicts of both processes' people."""
    verdict = run.prove(seconds=CUT_SECONDS + 10, rate=RATE, happening=partition.happen)
    cut_off, others = of_both(run)
    record(
        f"partition {partition.store}",
        verdict,
        recovery_seconds=partition.recovered,
        noticed_after_seconds=partition.answered,
        others_worst_seconds=others.delay_worst,
    )
    assert verdict.holds
    assert partition.answered <= ANSWERS_SECONDS
    return cut_off, others


def of_both(run: Run) -> tuple[Verdict, Verdict]:
    """Judge the people at the process that was cut off, and those at the other."""
    return run.judge(run.people[1::2]), run.judge(run.people[::2])


class Partition:
    """One web process loses a store for a while. `/readyz` then `says` this status, and this of a part."""

    def __init__(self, hosts: Hosts, run: Run, store: str, *, says: tuple[int, str, str]) -> None:
        self._hosts, self._run, self.store, self._says = hosts, run, store, says
        self.answered = self.recovered = 0.0

    def happen(self) -> None:
        self._run.until_produced()
        begun = time.monotonic()
        self._hosts.network.cut(WEB_2, self.store)
        wait_until(self._is_noticed, seconds=CUT_SECONDS, what=f"{self._says} of /readyz")
        self.answered = time.monotonic() - begun
        time.sleep(max(0.0, CUT_SECONDS - self.answered))
        self._hosts.network.heal()
        healed = time.monotonic()
        wait_until(lambda: self._hosts.is_ready(WEB_2), seconds=60, what="a process that is ready again")
        self.recovered = time.monotonic() - healed

    def _is_noticed(self) -> bool:
        status, part, state = self._says
        answered, parts = self._hosts.readiness(WEB_2)
        return (answered, parts[part]) == (status, state)
