"""Re-validation: check the rights of every connection again within a minute of the last check.

Connections are checked a slice at a time, so that the event loop and the database never face all of them at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from notifications_hub.live.connection import Connection

CHECK_SECONDS = 60.0
"""Longest time until a right removed behind Django's back ends the connections it allowed."""
SLICES = 60
FEW = 50
"""Consecutive connections that share a slice. One query costs about the same for all of them as for one."""
_AHEAD = 0.9
"""Part of the minute that a round takes. The rest is a reserve for slow slices."""

log = logging.getLogger(__name__)


class Revalidation:
    """The rounds in which connections are checked. `check` re-validates some, and ends those that lost their right."""

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
        """Wait until the next slice is due and check it. Called in a loop."""
        await asyncio.sleep(self._due - time.monotonic())
        # After an outage, do not check all delayed slices at once.
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
                "Re-validating %d connections took %.0f s, so a right removed behind Django's back may go unnoticed "
                "for more than %.0f s. Make the topic rules faster, or run more processes.",
                sum(map(len, self._slices)),
                took,
                CHECK_SECONDS,
            )
