"""Log reads for connections that catch up: many in one statement, with a bound on the bytes held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from notifications_hub import streams
from notifications_hub.live.batching import Batcher, Many
from notifications_hub.live.db_threads import Database
from notifications_hub.live.frames import Positions
from notifications_hub.streams import Reading

MAX_HELD = 32 * 2**20
"""Bytes that were read but not yet taken by clients. Above this bound reading pauses until some are taken.

A batch or two may exceed it. Each byte is in memory about five times on its way: read, encoded, joined, framed, sent.
"""


class LogReader:
    """A reader that batches simultaneous requests, and makes them wait while `MAX_HELD` bytes are held."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher: Batcher[Positions, list[Reading]] = Batcher(self._read, streams.read_many)
        self._held = 0
        self._room = asyncio.Event()
        self._room.set()

    @asynccontextmanager
    async def page(self, positions: Positions) -> AsyncIterator[list[Reading]]:
        """Read the events after these positions. They count as held while the block runs."""
        readings = await self._batcher.ask(positions)
        size = sum(reading.size for reading in readings)
        self._hold(size)
        try:
            yield readings
        finally:
            self._hold(-size)

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held < MAX_HELD:
            self._room.set()
        else:
            self._room.clear()

    async def _read(
        self, many: Many[Positions, list[Reading]], requests: Sequence[Positions]
    ) -> Sequence[list[Reading] | Exception]:
        await self._room.wait()
        return await self._database(many, requests)
