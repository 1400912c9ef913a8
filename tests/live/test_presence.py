"""Who has a page open, as other processes are told: for many people at once, and when nothing can be known."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications_hub.live import presence
from notifications_hub.live.database import Database
from notifications_hub.live.presence import Presence, connected_among, is_connected, stays
from tests.support.redis import RedisServer

LONG_AGO = 3600.0


@pytest.fixture
def redis(redis_server: RedisServer, settings: Any) -> RedisServer:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}
    }
    return redis_server


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


@pytest_asyncio.fixture
async def hubs(redis: RedisServer, database: Database) -> AsyncIterator[list[Presence]]:
    """Two hubs, which began long enough ago."""
    caches["default"].add("notifications_hub:presence_since", time.time() - LONG_AGO, None)
    hubs = [Presence(database), Presence(database)]
    yield hubs
    for hub in hubs:
        await hub.close()


async def told(hub: Presence) -> None:
    while hub._telling is not None:
        await hub._telling


async def test_people_of_every_hub_are_connected_and_nobody_else(hubs: list[Presence]) -> None:
    one, other = hubs
    for pk in (1, 2):
        one.arrived(pk)
    other.arrived(2)
    other.arrived(3)
    await told(one)
    await told(other)
    stays(4, 0)
    assert connected_among([1, 2, 3, 4, 5]) == {1, 2, 3, 4}
    one.left(1)
    one.left(2)
    await told(one)
    assert connected_among([1, 2, 3, 4, 5]) == {2, 3, 4}
    assert [is_connected(pk) for pk in (1, 2)] == [False, True]


async def test_who_leaves_while_everybody_is_written_anew_is_gone_all_the_same(
    hubs: list[Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hubs[0]
    hub.arrived(1)
    await told(hub)
    written, go_on = threading.Event(), threading.Event()
    set_many = caches["default"].set_many

    def slowly(*args: Any, **kwargs: Any) -> Any:
        written.set()
        assert go_on.wait(10)
        return set_many(*args, **kwargs)

    monkeypatch.setattr(presence, "_REFRESH_SECONDS", 0)
    with monkeypatch.context() as slow:
        slow.setattr(RedisCache, "set_many", lambda self, *args, **kwargs: slowly(*args, **kwargs))
        refresh = asyncio.create_task(hub.refresh())
        assert await asyncio.to_thread(written.wait, 10)
    hub.left(1)
    await asyncio.sleep(0.2)
    go_on.set()
    await refresh
    await told(hub)
    assert connected_among([1]) == set()


async def test_a_hub_that_closes_takes_its_people_along(hubs: list[Presence]) -> None:
    hubs[0].arrived(1)
    await told(hubs[0])
    await hubs[0].close()
    assert connected_among([1]) == set()


async def test_many_who_arrive_together_are_asked_for_in_few_reads(hubs: list[Presence]) -> None:
    for pk in range(2000):
        hubs[0].arrived(pk)
    await told(hubs[0])
    assert connected_among(range(3000)) == set(range(2000))


async def test_after_the_cache_was_emptied_nobody_is_taken_for_away(redis: RedisServer, hubs: list[Presence]) -> None:
    one, other = hubs
    one.arrived(1)
    other.arrived(2)
    await told(one)
    await told(other)
    redis.flush()
    assert connected_among([1, 2]) is None
    # One hub is back in the list at its next arrival, with all its people; the other only at its refresh.
    one.arrived(3)
    await told(one)
    assert [is_connected(pk) for pk in (1, 2, 3)] == [True, False, True]
    assert connected_among([1, 2, 3]) is None


async def test_a_hub_too_many_means_that_nobody_is_known_to_be_away(
    hubs: list[Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_PLACES", presence._PLACES[:1])
    for hub in hubs:
        hub.arrived(1)
        await told(hub)
    assert connected_among([1, 2]) is None


def test_of_a_cache_that_is_away_nothing_is_known(redis: RedisServer) -> None:
    redis.stop()
    assert connected_among([1]) is None
    assert not is_connected(1)


@pytest.mark.parametrize("backend", ["dummy.DummyCache", "locmem.LocMemCache"])
def test_of_a_cache_that_processes_do_not_share_nothing_is_known(settings: Any, backend: str) -> None:
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    assert connected_among([1]) is None


@pytest.mark.django_db
def test_a_cache_in_the_database_is_read_twice_for_some_hundred_people() -> None:
    call_command("createcachetable")
    caches["default"].add("notifications_hub:presence_since", time.time() - LONG_AGO, None)
    with CaptureQueriesContext(connection) as queries:
        assert connected_among(range(500)) == set()
    assert len(queries) == 2
