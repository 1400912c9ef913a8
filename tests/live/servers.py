"""A deployment: two web processes on one database and one Redis, behind nginx."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.databases import Databases
from tests.support.redis import RedisServer
from tests.support.site import Site, Visitor
from tests.support.web import Nginx


@dataclass(eq=False)
class Servers:
    """Two sites, `one` and `other`, on the same database and Redis. `front` is the nginx that a browser sees.

    It can replace a site in tests that need only its address, its visitors and another process.
    """

    one: Site
    other: Site
    front: Nginx
    redis: RedisServer

    @property
    def url(self) -> str:
        return self.front.url

    def visitor(self, username: str | None = None) -> Visitor:
        visitor = Visitor(self.url)
        if username is not None:
            visitor.sign_in(username)
        return visitor

    def python(self, code: str) -> str:
        return self.one.python(code)


@contextmanager
def two_servers(databases: Databases, folder: Path, **environment: str) -> Iterator[Servers]:
    with RedisServer() as redis:
        environment = {"DATABASE_URL": databases.copy(), "REDIS_URL": redis.url, **environment}
        one, other = (Site(folder, hub={}, environment=environment) for _ in range(2))
        # The first call starts the shell, which must not count in any measured time.
        one.python("")
        with Nginx([one.port, other.port]) as front:
            yield Servers(one, other, front, redis)
        one.close()
        other.close()
