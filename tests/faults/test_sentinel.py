"""A Redis that Sentinel watches, and a PgBouncer in transaction mode, on the form in which people run the site."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from tests.faults.figures import record
from tests.faults.ledger import Delivered, Ledger, judge_deliveries
from tests.faults.run import Run, running
from tests.faults.taken import HUB, taking
from tests.support.cluster import Cluster
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.sentinel import asking
from tests.support.site import Site

SECONDS, RATE = 24, 40
LIVE_WITHIN = 15.0
"""Seconds. The sentinels miss a master after two, and take one or two to agree on another."""
GROUP = "asgi__group__notifications_hub"


@dataclass(frozen=True)
class Form:
    """A cluster with sentinels and a pool, and a run on it. Half of the people listen, the others get emails."""

    cluster: Cluster
    run: Run

    @property
    def mailed(self) -> list[str]:
        return self.run.people[2:]

    def wait_until_mailed(self) -> Delivered:
        """Wait until every promised email is taken, and judge."""
        wait_until(lambda: self._mails().lost == 0, seconds=120, what="that every email is taken")
        return self._mails()

    def _mails(self) -> Delivered:
        return judge_deliveries(self.run.ledger, method="email", people=self.mailed)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Form]:
    with ExitStack() as opened:
        services = opened.enter_context(taking(Ledger(folder / "ledger"), folder))
        cluster = opened.enter_context(Cluster(hub=HUB, environment=services.environment, options=options))
        run = opened.enter_context(running(cluster.url, cluster.environment, folder, people=4))
        form = Form(cluster, run)
        services.give_addresses(run, form.mailed)
        run.listen_only(run.people[:2])
        yield form


@pytest.mark.faults(alone=True)
def test_a_killed_redis_master_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """T13: the master and the first sentinel are killed under load. The replica takes over by itself."""
    with serving(tmp_path, "--sentinel") as form:
        sentinels = Sentinels(form.cluster)
        before, took = sentinels.master(), Took()

        def fail_over() -> None:
            time.sleep(5)
            form.cluster.kill("redis")
            form.cluster.kill("sentinel-1")
            began = time.monotonic()
            wait_until(lambda: sentinels.master() != before, seconds=60, what="the failover")
            took.elected = time.monotonic() - began
            form.cluster.wait_until_ready()
            took.ready = time.monotonic() - began
            done = finished_tasks(form.cluster)
            wait_until(lambda: finished_tasks(form.cluster) > done, seconds=60, what="that a worker works")
            took.working = time.monotonic() - began
            wait_until(lambda: sentinels.listeners() == 2, seconds=60, what="that the hubs listen to the new master")
            took.hinted = time.monotonic() - began

        verdict = form.run.prove(seconds=SECONDS, rate=RATE, happening=fail_over)
        found = form.wait_until_mailed()
        bring_back(form.cluster, sentinels)
    record(
        "T13 Sentinel", verdict, emails=found.promised, emails_lost=found.lost, emails_again=found.again, **vars(took)
    )
    assert verdict.holds
    assert (found.lost, found.doubled) == (0, 0)
    assert max(vars(took).values()) < LIVE_WITHIN


@dataclass
class Took:
    """Seconds from the kill until each of these was well again."""

    elected: float = 0.0
    ready: float = 0.0
    working: float = 0.0
    hinted: float = 0.0


class Sentinels:
    """The sentinels of a cluster, and the master that they name."""

    def __init__(self, cluster: Cluster) -> None:
        addresses = [urlsplit(one) for one in cluster.redis_url.split(";")]
        self._asked = asking([(one.hostname or "", one.port or 0) for one in addresses])
        self._password = addresses[0].password

    def master(self) -> tuple[str, int] | None:
        with suppress(redis.RedisError):
            address: tuple[str, int] = self._asked.discover_master("main")
            return address
        return None

    def listeners(self) -> int:
        """Return how many hubs listen to hints at the master."""
        host, port = self.master() or ("", 0)
        with suppress(redis.RedisError), redis.Redis(host, port, password=self._password) as master:
            return int(dict(master.pubsub_numsub(GROUP))[GROUP.encode()])
        return 0

    def replicas(self) -> int:
        with suppress(redis.RedisError):
            return len(self._asked.discover_slaves("main"))
        return 0


def finished_tasks(cluster: Cluster) -> int:
    return sum(cluster.log(f"worker-{number}").count(" succeeded in ") for number in (1, 2))


def bring_back(cluster: Cluster, sentinels: Sentinels) -> None:
    """Start the killed server. The sentinels make it a replica of the new master."""
    after = sentinels.master()
    cluster.start("redis")
    wait_until(lambda: sentinels.replicas() == 1, seconds=60, what="that the old master follows")
    assert sentinels.master() == after


@pytest.mark.faults
def test_a_killed_pool_in_transaction_mode_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """T11: every part reaches PostgreSQL through PgBouncer, which is killed once under load."""
    with serving(tmp_path, "--pgbouncer") as form:
        took = 0.0

        def kill() -> None:
            nonlocal took
            time.sleep(5)
            form.cluster.kill("pgbouncer")
            took = form.cluster.wait_until_ready()

        verdict = form.run.prove(seconds=SECONDS, rate=RATE, happening=kill)
        found = form.wait_until_mailed()
        locks = held_locks(form.cluster.direct_database_url)
        logged = "".join(form.cluster.log(part) for part in ("web-1", "web-2", "worker-1", "worker-2"))
    record("T11 PgBouncer", verdict, emails=found.promised, emails_again=found.again, recovery_seconds=took)
    assert verdict.holds
    assert (found.lost, found.doubled) == (0, 0)
    assert locks == 0
    # These need one session for several transactions.
    assert not re.search("prepared statement|cursor .* does not exist", logged)


@pytest.mark.faults
def test_a_layer_of_two_hosts_may_lose_the_one_that_carries_hints(
    start_site: Callable[..., Site], tmp_path: Path
) -> None:
    """T13: hints stop, and every process finds what is new in the log. The cache is on the same host."""
    with RedisServer() as one, RedisServer() as two:
        site = start_site(REDIS_URL=f"{one.url};{two.url}")
        with running(site.url, site.environment, tmp_path) as run:
            verdict = run.prove(seconds=10, rate=RATE, happening=lambda: kill_after(one, 3))
    record("T13 several hosts", verdict)
    assert verdict.holds
    assert verdict.delay_worst < 10


def kill_after(server: RedisServer, seconds: float) -> None:
    time.sleep(seconds)
    server.kill()


def held_locks(database_url: str) -> int:
    """Return how many advisory locks are held. In transaction mode one would outlive its owner's turn."""
    with psycopg.connect(database_url) as connection:
        [count] = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() or (0,)
        return int(count)
