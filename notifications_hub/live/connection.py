"""One client's place in the streams: what it has been sent, and what waits to be sent. Kinds of connection share it.

A connection first catches up from the database, then is offered what the hub reads. It checks every number itself, so
a client never gets an event twice or out of order, and never misses one: where numbers do not join it catches up again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from notifications_hub import cursor, streams
from notifications_hub.cursor import Position
from notifications_hub.live.closing import RESTART, TOO_SLOW, Closing
from notifications_hub.live.database import Database
from notifications_hub.live.frames import Batch, Frame, compose, encode_events
from notifications_hub.live.opening import Admitted
from notifications_hub.streams import Reading

MAX_WAITING = 256 * 1024
"""Bytes that may wait for a client that reads slowly, before it is closed."""

log = logging.getLogger(__name__)


class Connection:
    """`send` takes a frame, `close` ends the connection. Everything here runs on the hub's event loop."""

    def __init__(
        self,
        admitted: Admitted,
        *,
        database: Database,
        send: Callable[[Frame], Awaitable[None]],
        close: Callable[[Closing], None],
    ) -> None:
        self.person_pk: object = admitted.visitor.person.pk
        self.session_key = admitted.visitor.session_key
        self.expires_in = admitted.visitor.seconds_left
        self.names = admitted.names
        self.visible = True
        self.positions: dict[str, Position | None] = {}
        self._database = database
        self._send = send
        self._close = close
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._reset: list[str] = []
        self._more = False
        self._frame_due = False
        self._sending_since: float | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._catching_up = False
        self._missed = False
        self._again: asyncio.Task[None] | None = None

    def listen(self, positions: Mapping[str, Position | None], reset: Sequence[str]) -> None:
        """Takes its starting places; nothing is sent before it has caught up."""
        self.positions = dict(positions)
        self._reset = list(reset)
        self._catching_up = True

    def change(self, positions: Mapping[str, Position | None], reset: Sequence[str]) -> None:
        """Listens to these topics from now on; where it stands with those it had already is kept."""
        self.positions = {topic: self.positions.get(topic) or position for topic, position in positions.items()}
        self._reset += [topic for topic in reset if self.positions[topic] is None]
        self.miss()

    def stalled_since(self) -> float | None:
        """When the frame that is being sent was begun, in the loop's time."""
        return self._sending_since

    def known(self, decoded: Mapping[str, Position]) -> dict[str, Position]:
        """What a decoded cursor says of this connection's topics; of others it may say what it likes."""
        keys = {topic: cursor.key_of(topic) for topic in self.positions}
        return {topic: decoded[key] for topic, key in keys.items() if key in decoded}

    async def catch_up(self) -> None:
        """Reads the log until nothing is left; the first frame goes out even when it is empty."""
        try:
            await self._read_all()
        except Exception:
            log.exception("The log could not be read; the client is asked to come back")
            self._close(RESTART)

    async def _read_all(self) -> None:
        self._catching_up = True
        while self._catching_up:
            self._missed = False
            readings = await self._database.together(streams.read_many, dict(self.positions))
            for reading in readings:
                self._apply(reading)
            self._more = any(reading.more for reading in readings)
            self._frame_due = True
            await self._flush_soon()
            self._catching_up = self._more or self._missed

    def offer(self, batch: Batch) -> None:
        """What the hub has read. Never blocks."""
        if self._catching_up:
            self._missed = True
            return
        position = self.positions[batch.topic]
        if position is None or (batch.epoch != position.epoch and position.epoch) or batch.first > position.seq + 1:
            self.miss()
        elif batch.last > position.seq:
            self._queue(batch.events[position.seq + 1 - batch.first :])
            self.positions[batch.topic] = Position(batch.epoch, position.start, batch.last)
            self._flush_soon()

    def miss(self) -> None:
        """Something happened that this connection cannot join to what it has."""
        if self._catching_up:
            self._missed = True
        else:
            self._catching_up = True
            self._again = asyncio.create_task(self.catch_up())

    def say(self, event: str) -> None:
        """An event that is in no log: sent now or not at all."""
        self._queue([event])
        self._flush_soon()

    def end(self, closing: Closing) -> None:
        self._close(closing)

    def stop(self) -> None:
        self._catching_up = False
        self._waiting.clear()
        for task in (self._flushing, self._again):
            if task is not None:
                task.cancel()

    def _apply(self, reading: Reading) -> None:
        self.positions[reading.topic] = reading.position
        if reading.reset:
            self._reset.append(reading.topic)
        self._queue(encode_events(reading))

    def _queue(self, events: Sequence[str]) -> None:
        self._waiting += events
        self._waiting_bytes += sum(map(len, events))
        if self._waiting_bytes > MAX_WAITING and not self._catching_up:
            self._close(TOO_SLOW)

    def _flush_soon(self) -> asyncio.Task[None]:
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return self._flushing

    async def _flush(self) -> None:
        # What arrives while a frame is being sent goes out together in the next one.
        try:
            while self._waiting or self._frame_due:
                self._sending_since = asyncio.get_running_loop().time()
                await self._send(self._take_frame())
        finally:
            self._flushing = self._sending_since = None

    def _take_frame(self) -> Frame:
        frame = compose(self._waiting, self.positions, more=self._more, reset=self._reset)
        self._waiting, self._waiting_bytes, self._reset, self._frame_due = [], 0, [], False
        return frame
