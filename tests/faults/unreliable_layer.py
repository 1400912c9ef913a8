"""A channel layer that loses, doubles and reorders what it is given, as no real one is allowed to."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer


class UnreliableLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """`lost` and `doubled` are parts of all messages, and each waits up to `late` seconds.

    `letters` names a file that gets a letter for each message: "l" if it is lost, "d" if doubled, or else "s".
    """

    def __init__(self, *, lost: float, doubled: float, late: float, letters: str, **config: Any) -> None:
        super().__init__(**config)
        self._lost, self._doubled, self._late, self._letters = lost, doubled, late, letters
        self._chance = random.Random()
        self._sending: set[asyncio.Task[None]] = set()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        chosen = self._chance.random()
        if chosen < self._lost:
            self._write("l")
            return
        is_doubled = chosen < self._lost + self._doubled
        self._write("d" if is_doubled else "s")
        for _ in range(1 + is_doubled):
            self._send_later(group, message)

    def _send_later(self, group: str, message: dict[str, Any]) -> None:
        sending = asyncio.create_task(self._send(group, message))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _send(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(self._chance.uniform(0.0, self._late))
        await self._get_layer().group_send(group, message)

    def _write(self, fault: str) -> None:
        file = os.open(self._letters, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, fault.encode())
        os.close(file)
