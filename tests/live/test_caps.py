"""How much of everything one client may have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import aiohttp
import psycopg
import pytest

from notifications_hub.live.closing import TOO_MANY
from notifications_hub.live.gate import Gate
from notifications_hub.live.opening import Refusal
from tests.live.support import tell
from tests.support.databases import Databases
from tests.support.live import HELD, LONG_POLL, WEBSOCKET, LiveClient, cookie_of, listening, listening_by
from tests.support.processes import wait_until
from tests.support.site import Site

both_databases = pytest.mark.both_databases


@pytest.fixture(scope="module")
def small_site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that has little room."""
    environment = {"DATABASE_URL": databases.copy(), "LIVE_PER_USER": "2", "LIVE_PER_ADDRESS": "3"}
    site = Site(tmp_path_factory.mktemp("small"), hub={}, environment=environment)
    yield site
    site.close()


@both_databases
@pytest.mark.parametrize("by", HELD)
def test_a_person_has_so_many_connections_and_the_oldest_goes(small_site: Site, by: str) -> None:
    # Signed in beforehand: a long poll that is asked again is the newest.
    assert cookie_of(small_site, "alice") + cookie_of(small_site, "bob")
    with listening_by(by, small_site, "alice") as oldest, listening_by(WEBSOCKET, small_site, "bob") as bob:
        oldest.frame()
        bob.frame()
        # A poll that is answered is asked again, and must be waiting before the others come.
        time.sleep(0.5)
        with listening(small_site, "alice") as second, listening(small_site, "alice") as third:
            second.frame()
            third.frame()
            assert oldest.closing()[0] == 4429
            tell(small_site, "alice")
            tell(small_site, "bob")
            assert second.until("notification.created")
            assert third.until("notification.created")
            assert bob.until("notification.created")


def test_strangers_of_one_address_are_let_in_so_many_at_a_time(small_site: Site) -> None:
    statuses = asyncio.run(crowd(small_site, 120))
    assert set(statuses) == {200, 429}
    # Whoever waits a moment comes in.
    with listening(small_site, "alice") as alice:
        assert alice.frame()


async def crowd(site: Site, people: int) -> list[int]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def knock() -> int:
            async with session.get(f"{site.url}/live/poll/", headers={"Cookie": cookie_of(site, "alice")}) as answer:
                return answer.status

        return await asyncio.gather(*(knock() for _ in range(people)))


@pytest.mark.postgres
@pytest.mark.parametrize("by", [WEBSOCKET, "sse", LONG_POLL, "poll"])
def test_who_waits_at_the_door_counts_until_they_are_known(small_site: Site, by: str) -> None:
    cookie = cookie_of(small_site, "alice")
    assert cookie
    with psycopg.connect(small_site.database_url) as database, ExitStack() as opened:
        database.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        four = [opened.enter_context(listening_by(by, small_site, "alice")) for _ in range(4)]
        wait_until(lambda: [code_of(client) for client in four].count(4429), what="one too many")
        assert sorted(code_of(client) for client in four) == [0, 0, 0, 4429]
        waiting = [client for client in four if code_of(client) == 0]
        database.rollback()
        # Or they would still be at the door when the next kind comes to it.
        for client in waiting:
            client.frame()


def code_of(client: LiveClient) -> int:
    """With which it was closed; 0 while it waits."""
    try:
        return client.closing(0.02)[0]
    except TimeoutError:
        return 0


def test_addresses_are_counted_apart_and_none_of_them_for_ever(settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {"LIVE_PER_ADDRESS": 1}
    gate = Gate()
    with gate.enter(("192.0.2.1", 1)):
        with gate.enter(("192.0.2.2", 1)):
            pass
        with pytest.raises(Refusal) as refused, gate.enter(("192.0.2.1", 2)):
            pass
        assert refused.value.closing == TOO_MANY
    with gate.enter(("192.0.2.1", 3)):
        pass
    settings.NOTIFICATIONS_HUB = {"LIVE_PER_ADDRESS": 0}
    with gate.enter(("192.0.2.1", 4)), gate.enter(("192.0.2.1", 5)):
        pass
