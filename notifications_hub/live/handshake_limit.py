"""Limits on handshakes, before a visitor is identified: at a time per address and process, and in time per credential.

A handshake over the limit waits for a while, so that an office behind one address gets in after a restart. The queue is
bounded too; beyond it a handshake is refused, and the client retries later by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from math import ceil
from typing import Any

from notifications_hub.conf import hub_settings
from notifications_hub.live.admission import Refusal
from notifications_hub.live.close_codes import TOO_MANY
from notifications_hub.live.visitor import Credential
from notifications_hub.web.client_ip import counted_as
from notifications_hub.web.throttle import check_rate, parse

WAIT_SECONDS = 10.0
WAITING = 40
"""Handshakes that may wait, as a multiple of the capacity."""
IN_ALL = 1000
"""Handshakes of this process at a time: the batch of admissions that runs, and the next one."""
WAITING_IN_ALL = 10 * IN_ALL
_SWEEP = 1000
"""The least buckets before those that are full again are forgotten."""


class _Slots:
    """A queue that lets `capacity` visitors in at a time, in order of arrival."""

    def __init__(self, capacity: int, most_waiting: int) -> None:
        self._room = asyncio.Semaphore(capacity)
        self._most_waiting = most_waiting
        self._waiting = 0
        self.visitors = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Hold a slot while the block runs. Raise `Refusal` if none becomes free in time."""
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
    """The limits of one process.

    The server supplies the client's address. Behind proxies, make it trust them (uvicorn's `--forwarded-allow-ips`).
    Over a Unix socket it may know no address; then only the limit of the process applies.
    """

    def __init__(self) -> None:
        self._process = _Slots(IN_ALL, WAITING_IN_ALL)
        self._addresses: dict[str, _Slots] = {}

    @asynccontextmanager
    async def enter(self, client: Sequence[object] | None) -> AsyncIterator[None]:
        """Hold a slot for this client's handshake while the block runs. Raise `Refusal` if none becomes free."""
        address = _counted(client)
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


class HandshakeRate:
    """Token buckets of one process, by credential. A reconnecting crowd asks no cache for them.

    A credential is counted before anyone knows whether it is valid, so a flood of handshakes with one costs no query.
    """

    def __init__(self) -> None:
        # Per hashed credential, what is spent and when that was. The hash is short, whatever a client sends.
        self._spent: dict[int, tuple[float, float]] = {}
        self._sweep_at = _SWEEP

    def wait_of(self, credential: Credential) -> int:
        """Count a handshake with this credential. Return 0, or the seconds that it must wait."""
        rate = parse(hub_settings.live_rate)
        if rate is None:
            return 0
        key, now, each = hash(credential), time.monotonic(), rate.seconds / rate.most
        spent = self._left(key, now, each) + 1
        if spent > rate.most:
            return max(1, ceil((spent - rate.most) * each))
        self._spent[key] = (spent, now)
        if len(self._spent) > self._sweep_at:
            self._forget_full(now, each)
        return 0

    def _left(self, key: int, now: float, each: float) -> float:
        spent, at = self._spent.get(key, (0.0, now))
        return max(0.0, spent - (now - at) / each)

    def _forget_full(self, now: float, each: float) -> None:
        """Forget buckets that are full again. The next time is later, so each handshake pays for a few entries."""
        self._spent = {key: one for key, one in self._spent.items() if self._left(key, now, each)}
        self._sweep_at = _SWEEP + 2 * len(self._spent)


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the address by which the client of an ASGI scope is counted, or an empty text if the server knows none."""
    return _counted(scope.get("client"))


def _counted(client: Sequence[object] | None) -> str:
    return counted_as(str(client[0])) if client else ""


def wait_of_strangers(address: str) -> int:
    """Count a connection or poll of a visitor who is not signed in. Return 0, or the seconds that it must wait.

    Without an address nothing is counted, because all visitors would count as one.
    """
    return check_rate(f"live:{address}", hub_settings.live_anonymous_rate) if address else 0
