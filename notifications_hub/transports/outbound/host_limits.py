"""Circuit breakers, rate limits and limits of connections per host, for this process. Uses no database.

The circuit of a host opens when it fails again and again, or leaves many sends without an answer. While it is open,
deliveries to it are put off without an attempt. Then one send tries the host, and its result decides.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.transports.base import PutOff

FAILURES = 10
"""The number of failures in a row that opens the circuit."""
OPEN_SECONDS, LONGEST_OPEN = 15.0, 300.0
CROWD = 50
SILENT_SECONDS = 3.0
"""Seconds without an answer after which, with `CROWD` sends under way, further ones would only wait as well."""
LONGEST_WAIT = 2.0
"""The longest wait, in seconds, for the rate limit. A send that would wait longer is put off."""
CONNECTIONS_PER_HOST = 100
"""Each carries one request at a time: with answers after 0.1 s, a thousand a second.

A limit across hosts would let silent ones delay the others. A worker's `SLOTS` limit the total.
"""
BUSY_SECONDS = 5.0
_KNOWN = 1000


class HostLimit:
    """The state of one host. Used in one event loop."""

    def __init__(self, origin: str, rate: Callable[[], int]) -> None:
        self._connections = asyncio.Semaphore(CONNECTIONS_PER_HOST)
        self._rate = rate
        self._name = origin.partition("//")[2]
        self._under_way = 0
        self._answered = 0.0
        self._failures = 0
        self._openings = 0
        self._open_until = 0.0
        self._probing = False
        self._next_start = 0.0

    @property
    def under_way(self) -> int:
        return self._under_way

    @property
    def is_idle(self) -> bool:
        return self._under_way == 0 and self._failures == 0

    def enter(self) -> float:
        """Return the seconds to wait before starting. Raise `PutOff`; otherwise the caller must call `leave`."""
        now = time.monotonic()
        self._check_circuit(now)
        wait = self._reserve(now)
        self._probing = self._failures >= FAILURES
        self._under_way += 1
        return wait

    @asynccontextmanager
    async def connection(self, *, until: float) -> AsyncIterator[None]:
        """Hold a connection. Sends get one in the order in which they asked.

        Raise `PutOff` if none is free by `until`, in seconds of the loop's clock, or if the circuit opened meanwhile.
        """
        try:
            async with asyncio.timeout_at(until):
                await self._connections.acquire()
        except TimeoutError:
            raise self._put_off(BUSY_SECONDS, ReasonCode.SERVICE_BUSY) from None
        try:
            self._check_open(time.monotonic())
            yield
        finally:
            self._connections.release()

    def leave(self, *, answered: bool | None) -> None:
        """Record the result. None means that the host was not asked, or the send cancelled: it says nothing."""
        now = time.monotonic()
        self._under_way -= 1
        self._probing = False
        if answered:
            self._answered, self._failures, self._openings = now, 0, 0
        elif answered is not None:
            self._failures += 1
            self._open_if_failing(now)

    def _check_circuit(self, now: float) -> None:
        self._check_open(now)
        if self._failures >= FAILURES:
            if self._probing:
                raise self._put_off(1.0, ReasonCode.HOST_FAILING)
        elif self._under_way == 0:
            self._answered = now
        elif self._under_way >= CROWD and now - self._answered > SILENT_SECONDS:
            raise self._put_off(OPEN_SECONDS, ReasonCode.HOST_SLOW)

    def _check_open(self, now: float) -> None:
        if self._failures >= FAILURES and now < self._open_until:
            raise self._put_off(max(self._open_until - now, 1.0), ReasonCode.HOST_FAILING)

    def _open_if_failing(self, now: float) -> None:
        # Sends that were under way when the circuit opened fail after it, and say nothing new.
        if self._failures >= FAILURES and now >= self._open_until:
            self._open_until = now + min(LONGEST_OPEN, OPEN_SECONDS * 2**self._openings)
            self._openings += 1

    def _reserve(self, now: float) -> float:
        """Return the seconds to wait before starting, according to the rate."""
        rate = self._rate()
        if not rate:
            return 0.0
        wait = max(0.0, self._next_start - now)
        if wait > LONGEST_WAIT:
            raise self._put_off(wait, ReasonCode.RATE_LIMITED)
        self._next_start = max(now, self._next_start) + 1 / rate
        return wait

    def _put_off(self, pause: float, code: ReasonCode) -> PutOff:
        # Spread the retries, or all would come back at the moment in which one may try.
        later = pause + random.uniform(0, pause / 2)  # noqa: S311 -- a pause is not a secret
        return PutOff(DeliveryReason.of(code, host=self._name), retry_after=later)


class HostLimits:
    """The hosts of one event loop, by origin. Idle ones are forgotten when there are too many.

    `rate` returns the most sends a second to one host; 0: no limit.
    """

    def __init__(self, rate: Callable[[], int]) -> None:
        self._rate = rate
        self._hosts: dict[str, HostLimit] = {}

    def __getitem__(self, origin: str) -> HostLimit:
        host = self._hosts.get(origin)
        if host is None:
            # Anyone may name any number of origins, where a setting allows more than fixed hosts.
            if len(self._hosts) >= _KNOWN:
                self._hosts = {known: one for known, one in self._hosts.items() if not one.is_idle}
            host = self._hosts[origin] = HostLimit(origin, self._rate)
        return host
