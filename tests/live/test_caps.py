"""Limits per client: connections and handshakes."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import psycopg
import pytest
import requests

from notifications_hub.live import handshake_limit as gates
from notifications_hub.live.admission import Refusal
from notifications_hub.live.close_codes import TOO_MANY
from notifications_hub.live.handshake_limit import HandshakeLimit, HandshakeRate
from notifications_hub.live.visitor import Credential
from tests.live.support import HURRIED, poke
from tests.support.databases import Databases
from tests.support.live import HELD, LONG_POLL, WEBSOCKET, LiveClient, cookie_of, listening, listening_by
from tests.support.processes import Program, wait_until
from tests.support.site import UVICORN, Site

# The limits are counted in the server's memory, so bin/test has each on one database.
one_database = pytest.mark.both_databases(short="sqlite")


@pytest.fixture(scope="module")
def small_site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with low limits."""
    environment = {"DATABASE_URL": databases.copy(), "LIVE_PER_USER": "2", "LIVE_PER_ADDRESS": "3"}
    site = Site(tmp_path_factory.mktemp("small"), hub={}, environment=environment)
    yield site
    site.close()


@pytest.fixture(scope="module")
def hasty_site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that refuses waiting handshakes soon."""
    environment = {**HURRIED, "TEST_HURRY": '{"handshake_limit.WAIT_SECONDS": 0.5}', "LIVE_PER_ADDRESS": "3"}
    environment["DATABASE_URL"] = databases.copy()
    site = Site(tmp_path_factory.mktemp("hasty"), hub={}, environment=environment)
    yield site
    site.close()


@pytest.fixture(scope="module")
def bounded_site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site on which one session may connect six times a day. More often, some would be free again in a slow test."""
    environment = {"DATABASE_URL": databases.copy(), "LIVE_RATE": "6/d"}
    site = Site(tmp_path_factory.mktemp("bounded"), hub={}, environment=environment)
    yield site
    site.close()


@one_database
@pytest.mark.parametrize("by", HELD)
def test_the_oldest_connection_of_a_person_over_the_cap_is_closed(small_site: Site, by: str) -> None:
    # Sign in first: a repeated long poll would be the newest connection.
    assert cookie_of(small_site, "alice") + cookie_of(small_site, "bob")
    with listening_by(by, small_site, "alice") as oldest, listening_by(WEBSOCKET, small_site, "bob") as bob:
        oldest.frame()
        bob.frame()
        # An answered poll is repeated, and must be waiting before the others come.
        time.sleep(0.5)
        with listening(small_site, "alice") as second, listening(small_site, "alice") as third:
            second.frame()
            third.frame()
            assert oldest.closing()[0] == 4429
            poke(small_site, "alice")
            poke(small_site, "bob")
            assert second.until("notification.created")
            assert third.until("notification.created")
            assert bob.until("notification.created")


def test_strangers_over_the_limit_of_their_address_wait_their_turn(small_site: Site) -> None:
    assert set(asyncio.run(crowd(small_site, 60))) == {200}


async def crowd(site: Site, people: int, socket_file: str = "") -> list[int]:
    """Return the status of each answer."""
    connector = aiohttp.UnixConnector(socket_file, limit=0) if socket_file else aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def status_of_handshake() -> int:
            async with session.get(f"{site.url}/live/poll/", headers={"Cookie": cookie_of(site, "alice")}) as answer:
                return answer.status

        return await asyncio.gather(*(status_of_handshake() for _ in range(people)))


@pytest.mark.postgres
@pytest.mark.parametrize("by", [WEBSOCKET, "sse", LONG_POLL, "poll"])
def test_a_handshake_that_waits_too_long_is_refused(hasty_site: Site, by: str) -> None:
    cookie = cookie_of(hasty_site, "alice")
    assert cookie
    with psycopg.connect(hasty_site.database_url) as database, ExitStack() as opened:
        database.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        four = [opened.enter_context(listening_by(by, hasty_site, "alice")) for _ in range(4)]
        wait_until(lambda: [code_of(client) for client in four].count(4429), what="one too many")
        assert sorted(code_of(client) for client in four) == [0, 0, 0, 4429]
        database.rollback()
    wait_until(lambda: asyncio.run(crowd(hasty_site, 1)) == [200], what="a free handshake slot")


def code_of(client: LiveClient, seconds: float = 0.02) -> int:
    """Return its close code, or 0 if it waits for longer than this."""
    try:
        return client.closing(seconds)[0]
    except TimeoutError:
        return 0


def test_clients_of_a_unix_socket_are_not_counted_as_one_address(small_site: Site, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--uds", path, *UVICORN]
    room = {**HURRIED, "LIVE_PER_ADDRESS": "1", "TEST_HURRY": '{"handshake_limit.WAITING": 0}'}
    server = Program(command, log=tmp_path / "log", environment={**small_site.environment, **room})
    try:
        server.wait_until_ready(lambda: Path(path).exists())
        assert set(asyncio.run(crowd(small_site, 30, path))) == {200}
    finally:
        server.stop()


# The handshake limit


async def test_addresses_are_counted_separately_and_not_kept(settings: Any, busy: None) -> None:
    settings.NOTIFICATIONS_HUB = {"LIVE_PER_ADDRESS": 1}
    gate = HandshakeLimit()
    async with gate.enter(("192.0.2.1", 1)):
        async with gate.enter(("192.0.2.2", 1)):
            pass
        assert await is_refused(gate, ("192.0.2.1", 2))
    async with gate.enter(("192.0.2.1", 3)):
        pass
    assert gate._addresses == {}
    settings.NOTIFICATIONS_HUB = {"LIVE_PER_ADDRESS": 0}
    async with gate.enter(("192.0.2.1", 4)), gate.enter(("192.0.2.1", 5)):
        pass


async def test_an_ipv6_network_of_one_customer_counts_as_one_address(settings: Any, busy: None) -> None:
    settings.NOTIFICATIONS_HUB = {"LIVE_PER_ADDRESS": 1}
    gate = HandshakeLimit()
    async with gate.enter(("2001:db8:1:2::3", 1)):
        assert await is_refused(gate, ("2001:db8:1:2:4:5:6:7", 2))
        assert not await is_refused(gate, ("2001:db8:1:3::3", 3))
    async with gate.enter(("::ffff:192.0.2.1", 1)):
        assert await is_refused(gate, ("192.0.2.1", 2))


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow no waiting handshakes."""
    monkeypatch.setattr(gates, "WAITING", 0)


def test_a_credential_has_a_bucket_of_handshakes_that_fills_again(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NOTIFICATIONS_HUB = {"LIVE_RATE": "20/10s"}
    rate, alice, bob = HandshakeRate(), Credential("a" * 32), Credential(token="b" * 32)
    clock = [1000.0]
    monkeypatch.setattr(gates, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert {rate.wait_of(alice) for _ in range(20)} == {0}
    assert {rate.wait_of(alice) for _ in range(200)} == {1}
    assert rate.wait_of(bob) == 0
    clock[0] += 1
    assert [rate.wait_of(alice) for _ in range(3)] == [0, 0, 1]
    clock[0] += 60
    for number in range(5000):
        rate.wait_of(Credential(str(number)))
        clock[0] += 0.01
    # What a client invents is forgotten as soon as its bucket is full again.
    assert len(rate._spent) < 2500
    settings.NOTIFICATIONS_HUB = {"LIVE_RATE": ""}
    assert rate.wait_of(alice) == 0


@one_database
@pytest.mark.parametrize("by", [WEBSOCKET, "sse", LONG_POLL, "poll"])
def test_ten_times_the_rate_of_handshakes_is_refused_and_says_when_to_come_back(bounded_site: Site, by: str) -> None:
    who = {WEBSOCKET: "alice", "sse": "bob", LONG_POLL: "charlie"}.get(by, "admin")
    codes: list[int] = []
    for _ in range(60):
        with listening_by(by, bounded_site, who) as client:
            # A busy machine takes a while to refuse one. But a client that polls asks again while it waits.
            codes.append(code_of(client, seconds=0.02 if len(codes) < 3 else 1.0))
    assert codes[:3] == [0, 0, 0]
    assert Counter(codes)[4429] >= 50
    answer = requests.get(
        f"{bounded_site.url}/live/poll/", headers={"Cookie": cookie_of(bounded_site, who)}, timeout=30
    )
    assert answer.status_code == 429
    assert answer.json()["detail"] == f"too many connections; come back in {answer.headers['Retry-After']} s"


async def is_refused(gate: HandshakeLimit, client: Sequence[object] | None) -> bool:
    try:
        async with gate.enter(client):
            return False
    except Refusal as refusal:
        return refusal.closing == TOO_MANY


async def test_waiting_handshakes_enter_in_order_as_others_leave(settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {"LIVE_PER_ADDRESS": 2}
    gate, inside, came = HandshakeLimit(), [0], []

    async def visit(number: int) -> None:
        async with gate.enter(("192.0.2.1", number)):
            inside[0] += 1
            came.append(number)
            assert inside[0] <= 2
            await asyncio.sleep(0.001)
            inside[0] -= 1

    await asyncio.gather(*(visit(number) for number in range(80)))
    assert came == list(range(80))


async def test_the_number_of_waiting_handshakes_is_bounded(settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {"LIVE_PER_ADDRESS": 2}
    gate, over = HandshakeLimit(), asyncio.Event()

    async def visit() -> None:
        async with gate.enter(("192.0.2.1", 1)):
            await over.wait()

    visits = [asyncio.create_task(visit()) for _ in range(2 + 2 * gates.WAITING)]
    await asyncio.sleep(0)
    assert await is_refused(gate, ("192.0.2.1", 2))
    # Another address has room, and so does this one after somebody gives up.
    async with gate.enter(("192.0.2.2", 1)):
        visits[-1].cancel()
        await asyncio.sleep(0)
    visits.append(asyncio.create_task(visit()))
    over.set()
    results = await asyncio.gather(*visits, return_exceptions=True)
    assert len([result for result in results if result is None]) == 2 + 2 * gates.WAITING
    assert gate._addresses == {}


@pytest.mark.parametrize("client", [None, ("", 0), ("unix", 0)], ids=["none", "empty", "name"])
async def test_clients_of_a_unix_socket_are_limited_per_process_and_not_per_address(
    settings: Any, monkeypatch: pytest.MonkeyPatch, client: Sequence[object] | None
) -> None:
    settings.NOTIFICATIONS_HUB = {"LIVE_PER_ADDRESS": 1}
    monkeypatch.setattr(gates, "IN_ALL", 3)
    monkeypatch.setattr(gates, "WAITING_IN_ALL", 0)
    gate = HandshakeLimit()
    async with gate.enter(client), gate.enter(client), gate.enter(("192.0.2.1", 1)):
        assert await is_refused(gate, client)
        assert await is_refused(gate, ("192.0.2.2", 1))
    async with gate.enter(client):
        pass
