"""The race of snapshot and subscribe: an event is published exactly while a client connects."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import aiohttp

from tests.support.live import EVERY, WEBSOCKET
from tests.support.live_many import Wanderer, session


@dataclass(frozen=True)
class Race:
    """Clients that connect at `url` one after the other, each while `publish` commits the event of the next number.

    The topic has event 1. With `beside` another client stays on it.
    """

    url: str
    cookie: str
    topic: str
    times: int
    publish: Callable[[int], None]
    beside: bool = False
    seed: int = 7


async def race(one: Race) -> list[int]:
    """Return the numbers that a client missed although it was connected before and after."""
    async with session() as http:
        other = _client(one, http, WEBSOCKET, stays=(900, 900))
        staying = [asyncio.create_task(other.wander(asyncio.Event()))] if one.beside else []
        try:
            return await _missed(one, http)
        finally:
            for task in staying:
                task.cancel()
            await asyncio.gather(*staying, return_exceptions=True)


async def _missed(one: Race, http: aiohttp.ClientSession) -> list[int]:
    chance, missed = random.Random(one.seed), []
    resumed = _client(one, http, WEBSOCKET)
    await resumed.look()
    for number in range(2, one.times + 2):
        client = _client(one, http, EVERY[number % len(EVERY)])
        client.cursor = resumed.cursor
        await asyncio.gather(
            _after(chance.uniform(0, 0.02), partial(asyncio.to_thread, one.publish, number)),
            _after(chance.uniform(0, 0.02), partial(_listen, client, number)),
        )
        if client.numbers != [number]:
            missed.append(number)
        if len(missed) == 3:
            break
        resumed.cursor = client.cursor
    return missed


def _client(one: Race, http: aiohttp.ClientSession, kind: str, stays: tuple[float, float] = (1.0, 5.0)) -> Wanderer:
    return Wanderer(http, lambda: one.url, one.cookie, one.topic, kinds=[kind], stays=stays)


async def _after(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(seconds)
    await act()


async def _listen(client: Wanderer, number: int) -> None:
    """Listen on one connection until the number arrives."""
    until = asyncio.Event()
    wandering = asyncio.create_task(client.wander(until))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                await client.until(number)
    finally:
        wandering.cancel()
        await asyncio.gather(wandering, return_exceptions=True)
