"""The database refuses to write: its disk is full, or it is read-only. Nothing acknowledged is lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import requests

from tests.faults.figures import record
from tests.faults.ledger import Acknowledged
from tests.faults.parts import DurablePostgres, TwoSites
from tests.faults.run import Run, running
from tests.faults.times import recovery
from tests.support.databases import Databases
from tests.support.full import report
from tests.support.processes import wait_until
from tests.support.site import Site
from tests.support.small_disk import SmallDisk

if TYPE_CHECKING:
    from tests.conftest import StartSite

pytestmark = pytest.mark.faults

AWAY, RATE = 6.0, 100
READING = ("/notifications/", "/api/v1/notifications/count/", "/live/poll/?wait=0")
WRITING = ("/api/v1/notifications/read/", "/api/v1/notifications/seen/")


@dataclass(frozen=True)
class Fault:
    name: str
    begin: Callable[[], None]
    end: Callable[[], None]


@dataclass
class Answers:
    statuses: dict[str, list[int]] = field(default_factory=dict)

    def ask(self, urls: list[str], cookie: str) -> None:
        for url, path in product(urls, (*READING, *WRITING)):
            headers = {"Cookie": f"{cookie}; csrftoken={'c' * 32}", "X-CSRFToken": "c" * 32}
            method = "POST" if path in WRITING else "GET"
            body = {"all": True} if path in WRITING else None
            response = requests.request(method, url + path, headers=headers, timeout=30, json=body)
            self.statuses.setdefault(path, []).append(response.status_code)

    def __str__(self) -> str:
        return ", ".join(f"{path} {sorted(set(statuses))}" for path, statuses in self.statuses.items())


class OnSmallDisk(DurablePostgres):
    """A server whose tables are on a small disk. Its write-ahead log is not: a server stops if that cannot grow."""

    settings = (*DurablePostgres.settings, "autovacuum=off", "temp_tablespaces=pg_default")

    def use(self, disk: SmallDisk) -> None:
        """Keep the tables of `hub` there, which are empty yet."""
        tables = disk.folder / "tables"
        tables.mkdir()
        shutil.chown(tables, "postgres", "postgres")
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{tables}'")
            connection.execute("ALTER DATABASE hub SET TABLESPACE small")


@pytest.mark.postgres
def test_a_full_disk_of_postgresql_loses_nothing(databases: Databases, tmp_path: Path) -> None:
    """T43: the disk of PostgreSQL's tables is full, and then has room again."""
    with SmallDisk(120) as disk, OnSmallDisk() as server:
        server.use(disk)
        with TwoSites(databases, tmp_path, postgres=server) as parts:
            proved(Fault("full PostgreSQL", disk.fill, disk.free), parts.web_urls, parts.environment, tmp_path)


@pytest.mark.postgres
def test_a_read_only_postgresql_loses_nothing(databases: Databases, tmp_path: Path) -> None:
    """T43: PostgreSQL is made read-only, as by a provider whose disk is nearly full."""
    with TwoSites(databases, tmp_path) as parts:

        def set_read_only(value: str) -> None:
            with psycopg.connect(parts.database_url, autocommit=True) as connection:
                connection.execute("SET default_transaction_read_only = off")
                connection.execute(f"ALTER DATABASE hub SET default_transaction_read_only = {value}")
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = 'hub' AND pid <> pg_backend_pid()"
                )

        fault = Fault("read-only PostgreSQL", lambda: set_read_only("on"), lambda: set_read_only("off"))
        proved(fault, parts.web_urls, parts.environment, tmp_path)


def test_a_full_disk_of_sqlite_loses_nothing(start_site: StartSite, databases: Databases, tmp_path: Path) -> None:
    """T43: the disk of the SQLite file is full, and then has room again."""
    with SmallDisk(40) as disk:
        site = site_on(disk, start_site, databases)
        proved(Fault("full SQLite", disk.fill, disk.free), [site.url], site.environment, tmp_path)
        site.close()


def site_on(disk: SmallDisk, start_site: StartSite, databases: Databases) -> Site:
    file = disk.folder / "db.sqlite3"
    shutil.copyfile(databases.copy().removeprefix("sqlite:///"), file)
    return start_site(DATABASE_URL=f"sqlite:///{file}")


def proved(fault: Fault, urls: list[str], environment: dict[str, str], folder: Path) -> None:
    """Let clients listen and producers write until the database refuses, and again once it does not."""
    during, after, back = Answers(), Answers(), [0.0]
    with running(urls[0], environment, folder) as run:

        def happening() -> None:
            run.until_produced(20)
            cookie = run.cookie_of(run.people[0])
            fault.begin()
            try:
                until_refused(run)
                until = time.monotonic() + AWAY
                while time.monotonic() < until:
                    during.ask(urls, cookie)
            finally:
                fault.end()
            back[0] = time.time()
            time.sleep(3)
            after.ask(urls, cookie)
            time.sleep(1)
            run.end_producing()

        verdict = run.prove(seconds=300, rate=RATE, happening=happening)
        recovered = recovery(run.ledger, clients=run.people_of_clients, since=back[0])
    report(f"{fault.name}, meanwhile: {during}; afterwards: {after}")
    failed = sum(produced["failed"] for produced in run.produced)
    record(f"T43 {fault.name}", verdict, recovery_seconds=recovered, refused=failed)
    assert verdict.holds
    assert verdict.resets == 0
    assert failed > 0
    # Who only reads is served. Who writes hears that it failed.
    assert all(set(during.statuses[path]) <= {200, 503} for path in READING)
    assert all(set(during.statuses[path]) & {500, 503} for path in WRITING)
    assert all(set(statuses) == {200} for statuses in after.statuses.values())
    assert recovered < 5


def until_refused(run: Run) -> None:
    """Return once no commit has succeeded for two seconds: pages of tables that have room take some more rows."""
    wait_until(lambda: _last_commit(run) < time.time() - 2, seconds=60, what="the refusal to write")


def _last_commit(run: Run) -> float:
    return max(line.at for line in run.ledger.read(Acknowledged))
