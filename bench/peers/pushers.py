"""Web Push as in tutorials: `python -m bench.peers.pushers TASK '{"argument": …}'` prints the pace reached."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from pywebpush import webpush, webpush_async

CLAIMS = {"sub": "mailto:ops@hub.example"}
AT_ONCE = 100


def loop(subscriptions: list[Mapping[str, Any]], count: int, key: str, data: str) -> dict[str, float]:
    """Call `webpush` again and again."""
    began = time.monotonic()
    for number in range(count):
        webpush(subscriptions[number % len(subscriptions)], data, key, dict(CLAIMS), ttl=86_400)
    return {"per_second": count / (time.monotonic() - began)}


def at_once(subscriptions: list[Mapping[str, Any]], count: int, key: str, data: str) -> dict[str, float]:
    """Call `webpush_async`, a hundred at a time, over one session."""

    async def send_all() -> float:
        places = asyncio.Semaphore(AT_ONCE)

        async def send(number: int) -> None:
            async with places:
                subscription = subscriptions[number % len(subscriptions)]
                await webpush_async(subscription, data, key, dict(CLAIMS), ttl=86_400, aiohttp_session=session)

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
            began = time.monotonic()
            await asyncio.gather(*map(send, range(count)))
            return count / (time.monotonic() - began)

    return {"per_second": asyncio.run(send_all())}


TASKS: dict[str, Callable[..., dict[str, float]]] = {"loop": loop, "at_once": at_once}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](**json.loads(sys.argv[2]))))
