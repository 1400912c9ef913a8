"""How many strangers may be at the slots at once, before they have said who they are: of one address, and in all.

Whoever finds no room waits for a while, so that an office behind one address comes in after a restart. There is a bound
on how many wait; whoever is beyond it is refused, and comes back later by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from notifications_hub.conf import hub_settings
from notifications_hub.live.admission import Refusal
from notifications_hub.live.close_codes import TOO_MANY
from notifications_hub.web.client_ip import counted_as

WAIT_SECONDS = 10.0
WAITING = 40
"""How many times as many may wait as there is room for."""
IN_ALL = 1000
"""At the slots of this process: a batch of admissions, and the next."""
WAITING_IN_ALL = 10 * IN_ALL


class _Slots:
    """Admits `capacity` visitors at a time, in the order in which they come."""

    def __init__(self, capacity: int, most_waiting: int) -> None:
        self._room = asyncio.Semaphore(capacity)
        self._most_waiting = most_waiting
        self._waiting = 0
        self.visitors = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Raises `Refusal`."""
        self.visitors += 1
        try:
            await self._wait()
            try:
                yield
            finally:
                self._room.release()
        finally:
            self.visitors -= 1

    async def _wait(self) -> None:
        if not self._room.locked():
            await self._room.acquire()
            return
        if self._waiting >= self._most_waiting:
            raise Refusal(TOO_MANY)
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._room.acquire()
        except TimeoutError:
            raise Refusal(TOO_MANY) from None
        finally:
            self._waiting -= 1


class HandshakeLimit:
    """The address is the server's word: behind proxies, trust them there (uvicorn's `--forwarded-allow-ips`).

    A server that is reached over a socket file may know no address. Its clients are bounded in all, not by address.
    """

    def __init__(self) -> None:
        self._process = _Slots(IN_ALL, WAITING_IN_ALL)
        self._addresses: dict[str, _Slots] = {}

    @asynccontextmanager
    async def enter(self, client: Sequence[object] | None) -> AsyncIterator[None]:
        """Raises `Refusal`."""
        address = counted_as(str(client[0])) if client else ""
        if not address or not hub_settings.live_per_address:
            async with self._process.enter():
                yield
            return
        capacity = hub_settings.live_per_address
        slots = self._addresses.setdefault(address, _Slots(capacity, WAITING * capacity))
        try:
            async with slots.enter(), self._process.enter():
                yield
        finally:
            if not slots.visitors:
                self._addresses.pop(address, None)
