"""An event published exactly while a client connects is not missed. `tests/faults/cluster` does it a thousand times."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from tests.live.races import Race, race
from tests.live.support import HURRIED, publish
from tests.support.databases import Databases
from tests.support.live import cookie_of
from tests.support.redis import RedisServer
from tests.support.site import Site

TIMES = 10


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with Redis, so that the hint arrives while the client connects and not a sweep later."""
    with RedisServer() as redis:
        environment = {"DATABASE_URL": databases.copy(), "REDIS_URL": redis.url, **HURRIED}
        site = Site(tmp_path_factory.mktemp("site"), hub={}, environment=environment)
        yield site
        site.close()


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside-another"])
def test_an_event_published_while_a_client_connects_is_not_missed(site: Site, topic: str, beside: bool) -> None:
    publish(site, topic, 1)
    on_topic = partial(publish, site, topic)
    missed = asyncio.run(race(Race(site.url, cookie_of(site, "alice"), topic, TIMES, on_topic, beside=beside)))
    assert missed == []
