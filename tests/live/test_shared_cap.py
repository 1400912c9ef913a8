"""The cap on a person's connections over all processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import redis
from django.core.cache import cache

from notifications_hub.live import shared_cap
from notifications_hub.live.close_codes import TOO_MANY, Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.connection_registry import Registry
from notifications_hub.live.db_threads import Database
from notifications_hub.live.presence import Presence
from notifications_hub.live.shared_cap import SharedCap
from tests.live.support import HURRIED
from tests.support.live import WebSocketClient, cookie_of, listening
from tests.support.redis import RedisServer
from tests.support.site import Site

StartSite = Callable[..., Site]

_moments = count(time.time())


@dataclass
class Hub:
    """A hub: its registry of connections, and its cap."""

    database: Database
    registry: Registry = field(default_factory=Registry)
    cap: SharedCap = field(init=False)
    presence: Presence = field(init=False)

    def __post_init__(self) -> None:
        self.presence = Presence(self.database)
        self.cap = SharedCap(self.database, self.registry, self.presence.name)
        self.presence._say_alive()

    def join(self, person: int) -> None:
        self.registry.add(_connection(self, person))
        self.cap.changed(str(person))

    def leave(self, person: int, connection: Connection) -> None:
        self.registry.remove(connection)
        self.cap.changed(str(person))

    async def check(self) -> None:
        await self.cap.close()
        await self.cap.check()
        await self.cap.close()


def _connection(hub: Hub, person: int) -> Any:
    """Return a minimal connection: it has an opening time and can be ended."""

    class Opened:
        opened = next(_moments)
        owner = str(person)
        sessions = ()

        def end(self, closing: Closing) -> None:
            assert closing is TOO_MANY
            hub.leave(person, self)  # type: ignore[arg-type]

    return Opened()


@pytest.fixture
def hubs(settings: Any, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Hub]]:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}
    }
    monkeypatch.setattr(shared_cap, "CHECK_SECONDS", 0.0)
    database = Database()
    yield [Hub(database) for _ in range(3)]
    database.close()


def held(hubs: list[Hub], person: int = 1) -> int:
    return sum(len(hub.registry.of_owner(str(person))) for hub in hubs)


async def look(*hubs: Hub) -> None:
    for hub in hubs:
        await hub.check()


async def test_the_oldest_connections_over_the_cap_are_closed_in_every_hub(hubs: list[Hub]) -> None:
    for hub in hubs[:2]:
        for _ in range(8):
            hub.join(1)
        hub.join(2)
    await look(*hubs, *hubs)

    assert [len(hub.registry.of_owner("1")) for hub in hubs[:2]] == [2, 8]
    assert held(hubs, 2) == 2


async def test_two_hubs_with_twelve_connections_that_write_at_once_keep_ten_together(hubs: list[Hub]) -> None:
    for _ in range(12):
        for hub in hubs[:2]:
            hub.join(1)
    await asyncio.gather(*(hub.check() for hub in hubs))
    await look(*hubs, *hubs)

    assert held(hubs) == 10


async def test_a_hub_learns_of_newer_connections_beside_many_idle_people(
    hubs: list[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, _ = hubs
    for person in range(2, 500):
        one.join(person)
    for _ in range(10):
        one.join(1)
    await look(one, one)
    monkeypatch.setattr(one.cap, "_in_turn", [str(person) for person in range(2, 500)])
    for _ in range(10):
        other.join(1)
    await look(other, one, other)

    assert [len(hub.registry.of_owner("1")) for hub in (one, other)] == [0, 10]


async def test_a_check_of_idle_people_reads_few_entries(hubs: list[Hub], redis_server: RedisServer) -> None:
    hub, people = hubs[0], 20 * shared_cap._ROUND
    for person in range(people):
        hub.join(person)
    await look(hub, hub)
    before = keys_looked_up(redis_server)
    await look(hub)
    assert keys_looked_up(redis_server) - before <= people / shared_cap._ROUND + 2


def keys_looked_up(redis_server: RedisServer) -> int:
    with redis.Redis.from_url(redis_server.url) as client:
        stats = client.info("stats")
        return int(stats["keyspace_hits"]) + int(stats["keyspace_misses"])


async def test_a_closed_connection_makes_room(hubs: list[Hub]) -> None:
    one, other, _ = hubs
    for _ in range(10):
        one.join(1)
    await look(one)
    for connection in one.registry.of_owner("1")[:5]:
        one.leave(1, connection)
    for _ in range(5):
        other.join(1)
    await look(*hubs, *hubs)

    assert held(hubs) == 10


async def test_a_killed_hubs_entries_keep_no_one_out(hubs: list[Hub]) -> None:
    killed, other, _ = hubs
    for _ in range(10):
        killed.join(1)
    await look(killed)
    for _ in range(10):
        other.join(1)
        await look(other)

    assert len(other.registry.of_owner("1")) == 10


async def test_a_killed_hubs_entries_end_no_older_connection_of_another_hub(
    hubs: list[Hub], redis_server: RedisServer
) -> None:
    alive, killed, _ = hubs
    for hub in (alive, killed):
        for _ in range(5):
            hub.join(1)
        await look(hub)
    with redis.Redis.from_url(redis_server.url) as client:
        # As once its time is over.
        [key] = [key for key in client.keys("*") if killed.presence.name in key.decode()]
        client.delete(key)
    for _ in range(5):
        alive.join(1)
    await look(alive, alive)

    assert len(alive.registry.of_owner("1")) == 10


async def test_an_unreachable_cache_ends_no_connection(hubs: list[Hub], redis_server: RedisServer) -> None:
    redis_server.stop()
    for _ in range(12):
        hubs[0].join(1)
    await look(*hubs)

    assert held(hubs) == 12


async def test_nothing_is_compared_or_kept_with_a_per_process_cache(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "cap"}}
    hub = Hub(Database())
    hub.join(1)

    assert (hub.cap._changed, cache.get("notifications_hub:opened:1")) == (set(), None)


def test_two_processes_hold_no_more_sockets_of_a_person_than_one(start_site: StartSite) -> None:
    hurried = HURRIED | {"LIVE_PER_USER": "4", "TEST_HURRY": '{"shared_cap.CHECK_SECONDS": 0.5}'}
    first = start_site(**hurried)
    second = start_site(DATABASE_URL=first.database_url, **hurried)
    assert cookie_of(first, "alice") + cookie_of(second, "alice")
    with ExitStack() as opened:
        clients: list[WebSocketClient] = []
        for site in (first, second):
            older, clients = clients, [opened.enter_context(listening(site, "alice")) for _ in range(4)]
            # A handshake is answered before its connection is counted, so wait before using the next site.
            for client in clients:
                client.frame()

        def ended() -> list[int]:
            return [client.closing(20)[0] for client in older]

        assert ended() == [4429] * 4
        # The newest stay open.
        with pytest.raises(TimeoutError):
            clients[0].closing(2)
