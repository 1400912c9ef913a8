"""The limit on a person's connections over all processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.core.cache import cache

from notifications_hub.live import shared_cap
from notifications_hub.live.close_codes import TOO_MANY, Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.connection_registry import Registry
from notifications_hub.live.db_threads import Database
from notifications_hub.live.shared_cap import SharedCap
from tests.live.support import HURRIED
from tests.support.live import WebSocketClient, cookie_of, listening
from tests.support.redis import RedisServer
from tests.support.site import Site

StartSite = Callable[..., Site]

_moments = count(time.time())


@dataclass
class Hub:
    """A stand-in for a hub: its register of connections and its shared cap."""

    database: Database
    registry: Registry = field(default_factory=Registry)
    cap: SharedCap = field(init=False)

    def __post_init__(self) -> None:
        self.cap = SharedCap(self.database, self.registry)

    def join(self, person: int) -> None:
        self.registry.add(_connection(self, person))
        self.cap.changed(person)

    def leave(self, person: int, connection: Connection) -> None:
        self.registry.remove(connection)
        self.cap.changed(person)

    async def look(self) -> None:
        await self.cap.close()
        await self.cap.look()
        await self.cap.close()


def _connection(hub: Hub, person: int) -> Any:
    """Return a minimal connection with an opening time and an `end` method."""

    class Opened:
        opened = next(_moments)
        person_pk = person
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
    monkeypatch.setattr(shared_cap, "LOOK_SECONDS", 0.0)
    database = Database()
    yield [Hub(database) for _ in range(3)]
    database.close()


def held(hubs: list[Hub], person: int = 1) -> int:
    return sum(len(hub.registry.of_person(str(person))) for hub in hubs)


async def look(*hubs: Hub) -> None:
    for hub in hubs:
        await hub.look()


async def test_the_oldest_connections_in_all_hubs_are_closed_when_there_are_too_many(hubs: list[Hub]) -> None:
    for hub in hubs[:2]:
        for _ in range(8):
            hub.join(1)
        hub.join(2)
    await look(*hubs, *hubs)

    assert [len(hub.registry.of_person("1")) for hub in hubs[:2]] == [2, 8]
    assert held(hubs, 2) == 2


async def test_twelve_each_over_two_hubs_that_write_at_the_same_moment_end_as_ten(hubs: list[Hub]) -> None:
    for _ in range(12):
        for hub in hubs[:2]:
            hub.join(1)
    await asyncio.gather(*(hub.look() for hub in hubs))
    await look(*hubs, *hubs)

    assert held(hubs) == 10


async def test_a_connection_that_left_makes_room(hubs: list[Hub]) -> None:
    one, other, _ = hubs
    for _ in range(10):
        one.join(1)
    await look(one)
    for connection in one.registry.of_person("1")[:5]:
        one.leave(1, connection)
    for _ in range(5):
        other.join(1)
    await look(*hubs, *hubs)

    assert held(hubs) == 10


async def test_entries_of_a_killed_hub_close_no_connection(hubs: list[Hub]) -> None:
    killed, other, _ = hubs
    for _ in range(10):
        killed.join(1)
    await look(killed)
    for _ in range(10):
        other.join(1)
        await look(other)

    assert len(other.registry.of_person("1")) == 10


async def test_a_cache_that_is_down_closes_no_connection(hubs: list[Hub], redis_server: RedisServer) -> None:
    redis_server.stop()
    for _ in range(12):
        hubs[0].join(1)
    await look(*hubs)

    assert held(hubs) == 12


async def test_a_per_process_cache_is_neither_compared_nor_written(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "cap"}}
    hub = Hub(Database())
    hub.join(1)

    assert (hub.cap._changed, cache.get("notifications_hub:opened:1")) == (set(), None)


def test_two_processes_of_a_site_hold_no_more_sockets_of_a_person_than_one(start_site: StartSite) -> None:
    hurried = HURRIED | {"LIVE_PER_USER": "4", "TEST_HURRY": '{"shared_cap.LOOK_SECONDS": 0.5}'}
    first = start_site(**hurried)
    second = start_site(DATABASE_URL=first.database_url, **hurried)
    assert cookie_of(first, "alice") + cookie_of(second, "alice")
    with ExitStack() as opened:
        clients: list[WebSocketClient] = []
        for site in (first, second):
            older, clients = clients, [opened.enter_context(listening(site, "alice")) for _ in range(4)]
            # A handshake is answered before its connection counts. So these must count before the next site starts.
            for client in clients:
                client.frame()

        def ended() -> list[int]:
            return [client.closing(20)[0] for client in older]

        assert ended() == [4429] * 4
        # The newest stay open.
        with pytest.raises(TimeoutError):
            clients[0].closing(2)
