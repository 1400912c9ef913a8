"""The site on five hosts: PostgreSQL, Redis, two web processes and the people, each in a network namespace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tests.faults.run import Run, running
from tests.support.databases import PostgresDatabases
from tests.support.namespaces import Network
from tests.support.postgres import FAST, PostgresServer
from tests.support.processes import ROOT, Closing
from tests.support.redis import RedisServer
from tests.support.site import Shell, Site

POSTGRES, REDIS, WEB_1, WEB_2, PEOPLE = "postgres", "redis", "web-1", "web-2", "people"
HOSTS = (POSTGRES, REDIS, WEB_1, WEB_2, PEOPLE)


class WatchfulPostgres(PostgresServer):
    """A PostgreSQL with the settings of docs/settings.md, by which it notices clients that have vanished."""

    settings = (*FAST, "tcp_keepalives_idle=10", "tcp_keepalives_interval=5", "tcp_keepalives_count=3")


class Hosts(Closing):
    """The running site. `webs` are its web processes by their hosts."""

    def __init__(self, folder: Path, *, hub: dict[str, object] | None = None, **environment: str) -> None:
        self._folder = folder
        self._closing = ExitStack()
        try:
            self.network = self._closing.enter_context(Network(*HOSTS))
            self._start_stores()
            self.webs = {name: self._start_web(name, hub or {}, environment) for name in (WEB_1, WEB_2)}
        except BaseException:  # Ctrl-C too: nobody else could stop the programs
            self.close()
            raise

    @property
    def environment(self) -> dict[str, str]:
        """The environment of other Django processes that join."""
        return self.webs[WEB_1].environment

    @contextmanager
    def running(self, folder: Path, **options: object) -> Iterator[Run]:
        """Make a run on the host of the people: the first, third, … are at one web process, the others at the other."""
        urls = [self.webs[WEB_1].url, self.webs[WEB_2].url]
        with self.network[PEOPLE].entered(), running(urls, self.environment, folder, **options) as run:
            yield run

    @contextmanager
    def shell(self) -> Iterator[Shell]:
        """A Django shell on the host of the first web process."""
        with self.network[WEB_1].entered():
            shell = Shell(self.environment)
        try:
            yield shell
        finally:
            shell.close()

    def readiness(self, name: str, *, seconds: float = 60.0) -> tuple[int, dict[str, str]]:
        """Ask a web process whether it is ready, on the host of the people. Return the status, and each part's."""
        with self.network[PEOPLE].entered():
            answer = requests.get(f"{self.webs[name].url}/readyz", timeout=seconds)
        return answer.status_code, dict(answer.json())

    def is_ready(self, name: str) -> bool:
        """Return whether a web process says that every part is well."""
        return set(self.readiness(name)[1].values()) == {"ok"}

    def close(self) -> None:
        self._closing.close()

    def _start_stores(self) -> None:
        with self.network[POSTGRES].entered():
            postgres = self._closing.enter_context(WatchfulPostgres(address=self.network[POSTGRES].address))
        with self.network[REDIS].entered():
            redis = self._closing.enter_context(RedisServer(self.network[REDIS].address))
        with self.network[WEB_1].entered():
            self._database_url = PostgresDatabases(postgres.url_of("postgres"), self._folder).copy()
        self._redis_url = redis.url

    def _start_web(self, name: str, hub: dict[str, object], environment: dict[str, str]) -> Site:
        host = self.network[name]
        stores = {"DATABASE_URL": self._database_url, "REDIS_URL": self._redis_url}
        listening = (str(ROOT / "manage.py"), "hub_serve", "--host", host.address, "--port", "{port}")
        with host.entered():
            site = Site(
                self._folder, hub=hub, environment={**stores, "ALLOWED_HOSTS": host.address, **environment},
                server=listening, address=host.address,
            )  # fmt: skip
        self._closing.callback(site.close)
        return site
