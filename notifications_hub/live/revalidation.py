"""Asks every connection again what it may hear, within a minute of when it was asked last.

A slice at a time, so that neither the event loop nor the database meets all of them at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from notifications_hub.live.connection import Connection

CHECK_SECONDS = 60.0
"""Within these a right that was removed behind Django's back has ended what it opened."""
SLICES = 60
FEW = 50
"""So many who come one after the other share a slice: a query costs about the same for all of them as for one."""
_AHEAD = 0.9
"""A round takes this part of the minute, and leaves the rest to slices that are slow."""

log = logging.getLogger(__name__)


class Revalidation:
    """`check` asks some connections again, and ends those that may not go on."""

    def __init__(self, check: Callable[[Sequence[Connection]], Coroutine[Any, Any, None]]) -> None:
        self._check = check
        self._slices: list[dict[Connection, None]] = [{} for _ in range(SLICES)]
        self._joined = 0
        self._next = 0
        self._due = time.monotonic()
        self._round_began = time.monotonic()
        self._is_known_to_be_slow = False

    def add(self, connection: Connection) -> None:
        connection.slice = self._joined // FEW % SLICES
        self._joined += 1
        self._slices[connection.slice][connection] = None

    def remove(self, connection: Connection) -> None:
        self._slices[connection.slice].pop(connection, None)

    async def check_next(self) -> None:
        """Wait until the next slice is due and check it; called over and over."""
        await asyncio.sleep(self._due - time.monotonic())
        # What an outage has delayed is not made up for all at once.
        margin = CHECK_SECONDS * (1 - _AHEAD)
        self._due = max(self._due, time.monotonic() - margin) + CHECK_SECONDS * _AHEAD / SLICES
        number, self._next = self._next, (self._next + 1) % SLICES
        if number == 0:
            self._begin_round()
        if some := list(self._slices[number]):
            await self._check(some)

    def _begin_round(self) -> None:
        now = time.monotonic()
        took, self._round_began = now - self._round_began, now
        if took > CHECK_SECONDS and not self._is_known_to_be_slow:
            self._is_known_to_be_slow = True
            log.warning(
                "Asking %d connections again took %.0f s, so a right that is removed behind Django's back may be "
                "noticed later than after %.0f s. Make the rules of topics faster, or run more processes.",
                sum(map(len, self._slices)),
                took,
                CHECK_SECONDS,
            )
