"""The parts of a site that a fault test kills, stops and pauses by name, as `Cluster` does.

`TwoSites` starts within seconds: two web processes on a PostgreSQL and a Redis of their own. Their faults reach no
other test.
"""

from __future__ import annotations

import json
import subprocess
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import redis

from tests.support.cluster import Cluster
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.postgres import PostgresServer, program_of_postgres
from tests.support.processes import Closing, ClosingParts, family, wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site


class Parts(Protocol):
    """A running site. `postgres`, `redis`, `web-1` and `web-2` are parts of each."""

    url: str
    web_urls: list[str]
    database_url: str
    redis_url: str
    environment: dict[str, str]

    def kill(self, part: str) -> None: ...
    def start(self, part: str) -> None: ...
    def pause(self, part: str) -> None: ...
    def resume(self, part: str) -> None: ...
    def pids(self, part: str) -> list[int]: ...
    def log(self, part: str) -> str: ...


class DurablePostgres(PostgresServer):
    """A server whose commits outlive `kill -9`: with `synchronous_commit=off` they would wait in its memory."""

    settings: Sequence[str] = ("fsync=off", "full_page_writes=off", "max_connections=100")


class TwoSites(ClosingParts):
    """Two web processes with embedded workers. A killed part stays away until `start`."""

    def __init__(
        self,
        databases: Databases,
        folder: Path,
        *,
        hub: Mapping[str, object] | None = None,
        postgres: PostgresServer | None = None,
        **environment: str,
    ) -> None:
        self._parts: dict[str, PostgresServer | RedisServer | Site] = {}
        try:
            self._parts["postgres"] = self._postgres = postgres or DurablePostgres()
            self._parts["redis"] = server = RedisServer()
            copy_database(databases.copy(), self._postgres.url)
            # A site without DEBUG refuses to start while the demo people have the password that everybody knows.
            with psycopg.connect(self._postgres.url) as connection:
                connection.execute("UPDATE accounts_user SET password = '!'")
            self.database_url, self.redis_url = self._postgres.url, server.url
            # With DEBUG, the page about an error would ask a database that is away again and again.
            production = json.dumps({"DEBUG": False, "ALLOWED_HOSTS": ["127.0.0.1"]})
            where = {"DATABASE_URL": self.database_url, "REDIS_URL": server.url}
            given = {**where, "TEST_SETTINGS": production, **environment}
            for part in ("web-1", "web-2"):
                self._parts[part] = Site(folder, hub=hub or {}, environment=given)
        except BaseException:  # Ctrl-C too: nobody else could stop the programs
            self.close()
            raise
        self.web_urls = [site.url for site in self._sites]
        self.url = self.web_urls[0]
        self.environment = self._sites[0].environment

    @property
    def _sites(self) -> list[Site]:
        return [part for part in self._parts.values() if isinstance(part, Site)]

    def kill(self, part: str) -> None:
        self._parts[part].kill()

    def start(self, part: str) -> None:
        self._parts[part].start()

    def pids(self, part: str) -> list[int]:
        return family(self._parts[part].process_id)

    def log(self, part: str) -> str:
        return self._parts[part].log

    def close(self) -> None:
        for part in reversed(self._parts.values()):
            part.close()


class OnCluster(Closing):
    """The whole site: nginx, Celery workers and beat as well. A killed part stays away until `start`."""

    def __init__(self, *, hub: Mapping[str, object] | None = None) -> None:
        self.cluster = Cluster(hub={"LIVE_PER_USER": 1000, **(hub or {})}, environment={"LIVE_PER_ADDRESS": "0"})
        self.url, self.web_urls = self.cluster.url, self.cluster.web_urls
        self.database_url, self.redis_url = self.cluster.database_url, self.cluster.redis_url
        self.environment = self.cluster.environment
        self.pause, self.resume = self.cluster.pause, self.cluster.resume
        self.pids, self.log = self.cluster.pids, self.cluster.log

    def kill(self, part: str) -> None:
        self.cluster.kill(part)
        wait_until(lambda: self._is_kept_away(part), what=f"the end of {part}")

    def _is_kept_away(self, part: str) -> bool:
        """Return whether supervisord will not start the part. It refuses that between the end and the new start."""
        try:
            self.cluster.stop(part)
        except xmlrpc.client.Fault:
            return False
        return True

    def start(self, part: str) -> None:
        self.cluster.start(part)
        wait_until(_ANSWERS[part](self), what=f"{part} that accepts connections")

    def close(self) -> None:
        self.cluster.close()


def _redis_answers(parts: OnCluster) -> Callable[[], object]:
    def answers() -> bool:
        try:
            with redis.Redis.from_url(parts.redis_url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    return answers


def _postgres_answers(parts: OnCluster) -> Callable[[], object]:
    def answers() -> bool:
        try:
            psycopg.connect(parts.database_url).close()
        except psycopg.OperationalError:
            return False
        return True

    return answers


_ANSWERS = {"redis": _redis_answers, "postgres": _postgres_answers}


def deployed(databases: Databases, folder: Path, *, hub: Mapping[str, object] | None = None) -> TwoSites | OnCluster:
    """Start the whole site with `FULL=1`, and otherwise what starts within seconds."""
    return OnCluster(hub=hub) if FULL else TwoSites(databases, folder, hub=hub)


def copy_database(source: str, target: str) -> None:
    """Copy the tables and rows of a database into an empty one, on any server."""
    dump = subprocess.run([program_of_postgres("pg_dump"), source], check=True, capture_output=True)
    load = [program_of_postgres("psql"), "--quiet", "--set=ON_ERROR_STOP=1", target]
    subprocess.run(load, input=dump.stdout, check=True, capture_output=True)


@contextmanager
def paused(parts: Parts, part: str) -> Iterator[None]:
    """Let a part hang for the length of a block."""
    parts.pause(part)
    try:
        yield
    finally:
        parts.resume(part)
