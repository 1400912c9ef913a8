"""The race between snapshot and subscription: an event published while a client connects is not missed.

`FULL=1` runs it a thousand times: half with no other listener on the topic, half beside one for which the hub reads on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import pytest

from tests.live.support import HURRIED, publish
from tests.live.test_switching import cookies_of
from tests.support.full import FULL, report
from tests.support.live import EVERY, WEBSOCKET
from tests.support.live_many import Wanderer, session
from tests.support.redis import RedisServer
from tests.support.site import Site

pytestmark = pytest.mark.faults(short=True)

TIMES = 500 if FULL else 20


@pytest.mark.both_databases
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside-another"])
def test_an_event_published_while_a_client_connects_is_not_missed(
    start_site: Callable[..., Site], redis_server: RedisServer, topic: str, beside: bool
) -> None:
    # Redis makes a hint arrive while the client connects, rather than a sweep later.
    site = start_site(REDIS_URL=redis_server.url, **HURRIED)
    publish(site, topic, 1)
    missed = asyncio.run(race(site, topic, cookies_of(site, 5)[0], beside=beside))
    report(f"{TIMES} times: {len(missed)} missed")
    assert missed == []


async def race(site: Site, topic: str, cookie: str, *, beside: bool) -> list[int]:
    """Return the numbers that a client missed although it connected before and after them."""
    chance, missed = random.Random(7), []
    async with session() as http:
        resumed = Wanderer(http, lambda: site.url, cookie, topic)
        await resumed.look()
        other = Wanderer(http, lambda: site.url, cookie, topic, kinds=[WEBSOCKET], stays=(900, 900))
        staying = [asyncio.create_task(other.wander(asyncio.Event()))] if beside else []
        for number in range(2, TIMES + 2):
            kind = EVERY[number % len(EVERY)]
            client = Wanderer(http, lambda: site.url, cookie, topic, kinds=[kind])
            client.cursor = resumed.cursor
            await asyncio.gather(
                _after(chance.uniform(0, 0.02), partial(asyncio.to_thread, publish, site, topic, number)),
                _after(chance.uniform(0, 0.02), partial(_listen, client, number)),
            )
            if client.numbers != [number]:
                missed.append(number)
            if len(missed) == 3:
                break
            resumed.cursor = client.cursor
        for task in staying:
            task.cancel()
        await asyncio.gather(*staying, return_exceptions=True)
    return missed


async def _after(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(seconds)
    await act()


async def _listen(client: Wanderer, number: int) -> None:
    """Listen on a single connection until the client has the number."""
    until = asyncio.Event()
    wandering = asyncio.create_task(client.wander(until))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await client.until(number)
    finally:
        wandering.cancel()
        await asyncio.gather(wandering, return_exceptions=True)
