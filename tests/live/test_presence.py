"""Presence as other processes see it: for many people at once, and if nothing can be known."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
import redis as redis_client
import time_machine
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications_hub.live import presence
from notifications_hub.live.db_threads import Database
from notifications_hub.live.presence import Presence, connected_among, is_connected, record_poll
from tests.support.full import FULL, report
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
    """Two hubs that started long enough ago to be trusted."""
    caches["default"].add(presence._since_key(), time.time() - LONG_AGO, None)
    hubs = [Presence(database), Presence(database)]
    yield hubs
    await asyncio.gather(*(hub.close() for hub in hubs))


async def delivered(hub: Presence) -> None:
    while hub._write_task is not None:
        await hub._write_task


async def test_the_people_of_every_hub_are_connected_and_no_one_else(hubs: list[Presence]) -> None:
    one, other = hubs
    for pk in (1, 2):
        one.arrived(pk)
    other.arrived(2)
    other.arrived(3)
    await delivered(one)
    await delivered(other)
    record_poll(4, 0)
    assert connected_among([1, 2, 3, 4, 5]) == {1, 2, 3, 4}
    one.left(1)
    one.left(2)
    await delivered(one)
    assert connected_among([1, 2, 3, 4, 5]) == {2, 3, 4}
    assert [is_connected(pk) for pk in (1, 2)] == [False, True]


async def test_a_person_who_leaves_during_a_refresh_is_away_afterwards(
    hubs: list[Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hubs[0]
    hub.arrived(1)
    await delivered(hub)
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
    await delivered(hub)
    assert connected_among([1]) == set()


async def test_a_closing_hub_removes_its_people(hubs: list[Presence]) -> None:
    hubs[0].arrived(1)
    await delivered(hubs[0])
    await hubs[0].close()
    assert connected_among([1]) == set()


async def test_a_crowd_that_arrives_together_takes_few_cache_reads(hubs: list[Presence]) -> None:
    for pk in range(2000):
        hubs[0].arrived(pk)
    await delivered(hubs[0])
    assert connected_among(range(3000)) == set(range(2000))


async def test_no_one_is_assumed_away_after_the_cache_was_emptied(redis: RedisServer, hubs: list[Presence]) -> None:
    one, other = hubs
    one.arrived(1)
    other.arrived(2)
    await delivered(one)
    await delivered(other)
    redis.flush()
    assert connected_among([1, 2]) is None
    # One hub writes all its people again at its next arrival; the other only at its refresh.
    one.arrived(3)
    await delivered(one)
    assert [is_connected(pk) for pk in (1, 2, 3)] == [True, False, True]
    assert connected_among([1, 2, 3]) is None


async def test_two_hubs_that_write_the_same_person_at_once_are_both_recorded_a_moment_later(
    hubs: list[Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = hubs

    def at_once(method: Callable[..., Any]) -> Callable[..., Any]:
        """Let the first calls of both hubs end together."""
        meeting = threading.Barrier(2)

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            with suppress(threading.BrokenBarrierError):
                meeting.wait(10)
                meeting.abort()
            return answer

        return call

    second = Database()
    other._database = second
    monkeypatch.setattr(RedisCache, "get_many", at_once(RedisCache.get_many))
    monkeypatch.setattr(RedisCache, "set_many", at_once(RedisCache.set_many))
    one.arrived(1)
    other.arrived(1)
    await delivered(one)
    await delivered(other)
    for hub, is_still_here in ((one, {1}), (other, set())):
        hub.left(1)
        await delivered(hub)
        assert connected_among([1]) == is_still_here
    second.close()


async def test_nobody_is_present_through_a_killed_hub_while_another_keeps_writing(hubs: list[Presence]) -> None:
    killed, other = hubs
    killed.arrived(1)
    await delivered(killed)
    # Its key expires, as a killed hub no longer writes it.
    caches["default"].delete(presence._hub_key(killed.name))
    assert connected_among([1]) == set()
    other.arrived(1)
    await delivered(other)
    assert connected_among([1]) == {1}
    other.left(1)
    await delivered(other)
    assert connected_among([1]) == set()
    killed._present.clear()


async def test_a_hub_is_alive_before_anybody_comes(hubs: list[Presence]) -> None:
    async with asyncio.timeout(10):
        await hubs[0].refresh()
    assert presence.find_alive([one.name for one in hubs]) == {hubs[0].name: True, hubs[1].name: False}


async def test_a_hub_that_was_out_of_touch_is_alive_after_its_refresh(
    hubs: list[Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_REFRESH_SECONDS", 0)
    hubs[0].arrived(1)
    await delivered(hubs[0])
    caches["default"].delete(presence._hub_key(hubs[0].name))
    await hubs[0].refresh()
    assert connected_among([1]) == {1}


async def test_the_entry_of_a_hub_that_died_long_ago_is_dropped(hubs: list[Presence]) -> None:
    killed, other = hubs
    with time_machine.travel(time.time() - presence._RECORD_SECONDS - 1):
        killed.arrived(1)
        await delivered(killed)
    other.arrived(1)
    await delivered(other)
    assert caches["default"].get(presence._key(1)).keys() == {other.name}
    killed._present.clear()


async def test_a_hub_that_stops_is_not_alive(hubs: list[Presence]) -> None:
    hubs[0].arrived(1)
    await delivered(hubs[0])
    await hubs[0].close()
    assert caches["default"].get(presence._hub_key(hubs[0].name)) is None


async def test_an_overwritten_or_evicted_record_is_written_again(
    hubs: list[Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_REFRESH_SECONDS", 0)
    hub, key = hubs[0], presence._key(1)
    for pk in range(100):
        hub.arrived(pk)
    await delivered(hub)
    caches["default"].delete(key)
    # New records are checked at the next refresh.
    await hub.refresh()
    assert connected_among([1]) == {1}
    await hub.refresh()
    caches["default"].delete(key)
    for _ in range(2 * presence._ROUND):
        await hub.refresh()
    assert connected_among(range(100)) == set(range(100))


@pytest.mark.parametrize("count", [1, 4, 8])
async def test_an_idle_hub_writes_hardly_anything_however_many_people_and_hubs(
    redis: RedisServer, hubs: list[Presence], database: Database, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    people = 10 * presence._ROUND
    monkeypatch.setattr(presence, "_REFRESH_SECONDS", 0)
    hubs += [Presence(database) for _ in range(count - 2)]
    for hub in hubs[:count]:
        for pk in range(people):
            hub.arrived(pk)
        await delivered(hub)
        # New records are checked at the next two refreshes, should others have overwritten them.
        await hub.refresh()
        await hub.refresh()
    before = commands(redis)
    for hub in hubs[:count]:
        await hub.refresh()
    # A round's share is 10 records, written by about 17 commands. A thread's new connection adds a few.
    assert (commands(redis) - before) / count < people / 10


async def test_a_refresh_keeps_the_entries_of_other_hubs(hubs: list[Presence], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_REFRESH_SECONDS", 0)
    for hub in hubs:
        hub.arrived(1)
        await delivered(hub)
    for hub in hubs:
        await hub.refresh()
    hubs[0].left(1)
    await delivered(hubs[0])
    assert connected_among([1]) == {1}


def keys_looked_up(redis: RedisServer) -> int:
    with redis_client.Redis.from_url(redis.url) as client:
        stats = client.info("stats")
        return int(stats["keyspace_hits"]) + int(stats["keyspace_misses"])


def commands(redis: RedisServer) -> int:
    with redis_client.Redis.from_url(redis.url) as client:
        return int(client.info("stats")["total_commands_processed"])


@pytest.mark.faults(short=True)
async def test_a_lookup_costs_one_more_key_for_each_hub(
    redis: RedisServer, hubs: list[Presence], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, people_each = (100, 1000) if FULL else (70, 5)
    asked = range(count * people_each + 500)

    def look() -> tuple[set[int] | None, int, float]:
        before, began = keys_looked_up(redis), time.perf_counter()
        found = connected_among(asked)
        took = time.perf_counter() - began
        return found, keys_looked_up(redis) - before, took

    _, keys_with_two, seconds_with_two = look()
    hubs += [Presence(database) for _ in range(count - 2)]
    for number, hub in enumerate(hubs):
        for pk in range(number * people_each, (number + 1) * people_each):
            hub.arrived(pk)
    await asyncio.gather(*map(delivered, hubs))
    found, keys, seconds = look()
    assert found == set(range(count * people_each))
    assert all(is_connected(number * people_each) for number in range(count))
    assert keys == keys_with_two + count
    report(f"{count} hubs: {len(asked)} people looked up in {seconds:.3f} s, with two hubs {seconds_with_two:.3f} s")

    monkeypatch.setattr(presence, "_REFRESH_SECONDS", 0)
    began = time.perf_counter()
    await asyncio.gather(*(hub.refresh() for hub in hubs))
    report(f"{count} hubs refresh {people_each} people each in {time.perf_counter() - began:.3f} s")
    hubs[-1].left(count * people_each - 1)
    await delivered(hubs[-1])
    assert connected_among([0, count * people_each - 1]) == {0}


def test_presence_is_unknown_while_the_cache_is_unreachable(redis: RedisServer) -> None:
    redis.stop()
    assert connected_among([1]) is None
    assert not is_connected(1)


@pytest.mark.parametrize("backend", ["dummy.DummyCache", "locmem.LocMemCache"])
def test_presence_is_unknown_with_a_cache_that_processes_do_not_share(settings: Any, backend: str) -> None:
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    assert connected_among([1]) is None


@pytest.mark.django_db
def test_a_database_cache_is_read_twice_for_some_hundred_people() -> None:
    call_command("createcachetable")
    caches["default"].add(presence._since_key(), time.time() - LONG_AGO, None)
    with CaptureQueriesContext(connection) as queries:
        assert connected_among(range(500)) == set()
    assert len(queries) == 2
