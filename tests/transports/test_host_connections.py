"""Sends to one host take turns for its connections, and a host is not blamed for the wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from notifications_hub.transports import PutOff
from notifications_hub.transports.outbound import host_limits
from notifications_hub.transports.outbound.endpoints import Endpoint
from notifications_hub.transports.outbound.host_limits import FAILURES, HostLimit
from notifications_hub.transports.outbound.http_client import Answer, HttpClient, NoAnswer

ORIGIN = "https://fcm.googleapis.com"


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_limits, "CONNECTIONS_PER_HOST", 1)


def in_a_loop(use: Callable[[HostLimit], Awaitable[None]]) -> None:
    async def run() -> None:
        await use(HostLimit(ORIGIN, lambda: 0))

    asyncio.run(run())


def in_seconds(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def use(host: HostLimit, order: list[str], name: str, *, wait: float = 10) -> None:
    async with host.connection(until=in_seconds(wait)):
        order.append(name)
        await asyncio.sleep(0)


async def until_all_wait() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("one_connection")
def test_a_new_send_does_not_overtake_those_that_wait() -> None:
    order: list[str] = []

    async def run(host: HostLimit) -> None:
        async with host.connection(until=in_seconds(10)):
            waiting = [asyncio.create_task(use(host, order, name)) for name in ("first", "second")]
            await until_all_wait()
        # The connection is free now, but the first one has not run yet.
        await use(host, order, "new")
        await asyncio.gather(*waiting)

    in_a_loop(run)
    assert order == ["first", "second", "new"]


@pytest.mark.usefixtures("one_connection")
def test_a_cancelled_wait_leaves_the_connection_to_the_next() -> None:
    order: list[str] = []

    async def run(host: HostLimit) -> None:
        async with host.connection(until=in_seconds(10)):
            first, second = (asyncio.create_task(use(host, order, name)) for name in ("first", "second"))
            await until_all_wait()
        first.cancel()
        await second
        await use(host, order, "third")

    in_a_loop(run)
    assert order == ["second", "third"]


@pytest.mark.usefixtures("one_connection")
def test_a_send_that_would_wait_too_long_is_put_off_and_takes_nothing() -> None:
    order: list[str] = []

    async def run(host: HostLimit) -> None:
        async with host.connection(until=in_seconds(10)):
            with pytest.raises(PutOff, match="other messages to this service"):
                await use(host, order, "impatient", wait=0.01)
        await use(host, order, "later", wait=0)

    in_a_loop(run)
    assert order == ["later"]


@pytest.mark.usefixtures("one_connection")
def test_those_that_wait_while_the_circuit_opens_are_put_off() -> None:
    order: list[str] = []

    async def run(host: HostLimit) -> None:
        async with host.connection(until=in_seconds(10)):
            waiting = asyncio.create_task(use(host, order, "waiting"))
            await until_all_wait()
            for _ in range(FAILURES):
                host.enter()
                host.leave(answered=False)
        with pytest.raises(PutOff, match="not answering as it should"):
            await waiting

    in_a_loop(run)
    assert order == []


@asynccontextmanager
async def slow_service(seconds: float) -> AsyncIterator[Endpoint]:
    async def answer(_request: web.Request) -> web.Response:
        await asyncio.sleep(seconds)
        return web.Response(status=201)

    application = web.Application()
    application.router.add_post("/", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        yield Endpoint(URL(f"http://127.0.0.1:{server.port}/"), "127.0.0.1", server.port or 0)


@pytest.mark.usefixtures("one_connection")
def test_a_slow_service_that_answers_fails_no_send_and_stays_open() -> None:
    sends = 2 * FAILURES

    async def run() -> list[Answer | BaseException]:
        client = HttpClient(lambda _host, _port: True, lambda: 0, deadline=3)
        async with slow_service(0.9) as endpoint:
            results = await asyncio.gather(
                *(client.post(endpoint, b"", {}) for _ in range(sends)), return_exceptions=True
            )
            results.append(await client.post(endpoint, b"", {}))
            await client.close()
        return results

    began = time.monotonic()
    results = asyncio.run(run())
    took = time.monotonic() - began
    answers = [one for one in results if isinstance(one, Answer)]
    # Two begin within the first half of the three seconds.
    assert [one.status for one in answers] == [201] * 3
    assert not any(isinstance(one, NoAnswer) for one in results)
    assert [type(one) for one in results if one not in answers] == [PutOff] * (sends - 2)
    assert took < 8, "seconds"
