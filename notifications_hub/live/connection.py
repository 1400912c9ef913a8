"""One client's state, shared by all kinds of connection: its positions, and the events that wait to be sent.

A connection first catches up from the database, then is offered the batches that the hub reads. It checks every
sequence number itself, and catches up again if numbers do not join. So a client gets every event exactly once and in
order.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from notifications_hub.database.reconnect import CONNECTION_ERRORS, first_line
from notifications_hub.live.admission import AdmissionRequest, Admitted
from notifications_hub.live.close_codes import RESTART, TOO_SLOW, Closing
from notifications_hub.live.counted_warning import CountedWarning
from notifications_hub.live.eager_start import begin
from notifications_hub.live.frames import Batch, Frame, Positions, Round, compose, encode_events, without_topic
from notifications_hub.live.log_reader import LogReader
from notifications_hub.streams import Reading, cursor
from notifications_hub.streams.cursor import Position
from notifications_hub.telemetry import measures

MAX_WAITING = 256 * 1024
"""Bytes that may wait for a slow client before its connection is closed."""

ConnectionKind = Literal["ws", "sse", "poll"]

log = logging.getLogger(__name__)
_NOTHING: Mapping[str, Position] = {}
_PLACED = Position("", 0, 0)
_unread = CountedWarning(log, "Connections closed because the log could not be read; their clients reconnect: %d (%s)")
_UNSENT = "A frame could not be sent; closing the connection so that the client reconnects"


class Connection:
    """A client's connection: `send` sends a frame, `close` ends it. Everything here runs on the hub's event loop.

    On a WebSocket the hub sends a frame now and then even if nothing happened. A method that returns an awaitable
    has begun to send, and its caller's task must await the rest: see `eager_start.py`.
    """

    __slots__ = (
        "_again",
        "_catching_up",
        "_close",
        "_frame_due",
        "_keepalive",
        "_log",
        "_missed",
        "_more",
        "_reset",
        "_send",
        "_sending",
        "_sending_since",
        "_waiting",
        "_waiting_bytes",
        "admitted_at",
        "credential",
        "due",
        "expires_in",
        "kind",
        "names",
        "opened",
        "owner",
        "person_pk",
        "positions",
        "sessions",
        "share",
        "shown",
        "slice",
        "visible",
    )

    def __init__(
        self,
        admitted: Admitted,
        *,
        log: LogReader,
        send: Callable[[Frame], Coroutine[Any, Any, None]],
        close: Callable[[Closing], None],
        kind: ConnectionKind,
    ) -> None:
        self.kind = kind
        self.person_pk: object = admitted.visitor.person.pk
        self.owner = admitted.visitor.owner
        self.credential = admitted.visitor.credential
        self.sessions = admitted.visitor.sessions
        self.admitted_at = admitted.visitor.at
        self.expires_in = admitted.visitor.seconds_left
        self.due = math.inf
        self.opened = time.time()
        self.names = admitted.names
        self.visible = True
        self.positions: Positions = {}
        self.shown: Mapping[str, Position] = _NOTHING
        self._log = log
        self._send = send
        self._close = close
        self._keepalive = kind == "ws"
        self.share = 0
        self.slice = 0
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._reset: list[str] = []
        self._more = False
        self._frame_due = False
        self._sending: asyncio.Task[Any] | None = None
        self._sending_since: float | None = None
        self._catching_up = False
        self._missed = False
        self._again: asyncio.Task[None] | None = None

    def listen(self, positions: Positions, reset: Sequence[str]) -> None:
        """Set the starting positions. Nothing is sent until the connection has caught up."""
        self.positions = positions
        self._reset = list(reset)
        measures.resets.inc(len(self._reset))
        self._catching_up = True

    def change(self, positions: Positions, reset: Sequence[str]) -> None:
        """Switch to these topics. Topics that it already had keep their positions."""
        before = self.positions
        self.positions = {topic: before.get(topic) or position for topic, position in positions.items()}
        # Otherwise a topic that comes back at an earlier position would be sent its waiting events twice.
        self._drop_waiting(topic for topic in before if topic not in positions)
        self._reset += [topic for topic in reset if self.positions[topic] is None]
        self.miss()

    def request_for(self, names: Sequence[str]) -> AdmissionRequest:
        """Return the request of the same visitor to listen to these topics."""
        return AdmissionRequest(self.credential, tuple(names))

    def stalled_since(self) -> float | None:
        """Return when the frame now being sent was begun, in the event loop's time, or None."""
        return self._sending_since

    def known(self, decoded: Mapping[str, Position]) -> dict[str, Position]:
        """Return a decoded cursor's positions on this connection's topics. Other topics in it are ignored."""
        keys = {topic: cursor.key_of(topic) for topic in self.positions}
        return {topic: decoded[key] for topic, key in keys.items() if key in decoded}

    def newly_shown(self, known: Mapping[str, Position]) -> dict[str, Position]:
        """Leave out the part that `shown` already covers, because a long-open page acknowledges repeatedly."""
        return {topic: _beyond(self.shown.get(topic), position) for topic, position in known.items()}

    async def catch_up(self) -> None:
        """Read the log to its end. The first frame is sent even if it has no events."""
        try:
            await self._read_all()
        except CONNECTION_ERRORS as error:
            _unread.add(first_line(error))
            self._close(RESTART)
        except Exception:
            log.exception("The log could not be read; closing the connection so that the client reconnects")
            self._close(RESTART)
        finally:
            self._again = None

    async def _read_all(self) -> None:
        self._catching_up = True
        while self._catching_up:
            self._missed = False
            asked = self.positions
            async with self._log.page(asked) as readings:
                applied = [reading for reading in readings if self._apply(reading, asked)]
                self._more = any(reading.more for reading in applied)
                # A batch may have had no room for this reader, which then reads again.
                if not self._more or any(reading.events or reading.reset for reading in applied):
                    await self._send_waiting()
            self._catching_up = self._more or self._missed

    async def _send_waiting(self) -> None:
        self._frame_due = True
        if self._sending is not None:
            # Another task is sending an earlier frame, and sends this one after it.
            await self._sending
        if (rest := self._flush()) is not None:
            await rest

    def offer(self, offered: Round) -> Awaitable[None] | None:
        """Accept a batch that the hub has read."""
        batch = offered.batch
        if self._catching_up:
            self._missed = True
        elif batch.topic in self.positions:
            return self._take(offered, batch, self.positions[batch.topic])
        return None

    def _take(self, offered: Round, batch: Batch, position: Position | None) -> Awaitable[None] | None:
        if position is None or (batch.epoch != position.epoch and position.epoch) or batch.first > position.seq + 1:
            self.miss()
        elif batch.last > position.seq:
            step = offered.step(self.positions, position)
            self.positions = step.positions
            if self._sending is None:
                return self._begin(step.frame)
            self._queue(step.events)
        return None

    def miss(self) -> None:
        """Note a gap: there are events that do not join this connection's positions, so it must catch up."""
        if self._catching_up:
            self._missed = True
        else:
            self.start()

    def start(self) -> asyncio.Task[None]:
        """Start to catch up, in a task."""
        self._catching_up = True
        self._again = asyncio.create_task(self.catch_up())
        return self._again

    def queue_ephemeral(self, event: str) -> None:
        """Queue an ephemeral event for the next frame."""
        if self._waiting_bytes <= MAX_WAITING:
            self._queue([event])

    def send_keepalive(self) -> Awaitable[None] | None:
        """Send a frame without events: a page takes a long silence for a dead connection."""
        if not self._keepalive or self._catching_up:
            return None
        self._frame_due = True
        return self._flush()

    def end(self, closing: Closing) -> None:
        self._close(closing)

    def stop(self) -> None:
        self.positions = {}
        self._catching_up = False
        self._waiting.clear()
        for task in (self._sending, self._again):
            if task is not None:
                task.cancel()
        # One that had not begun does not forget itself, and its error refers back to this connection.
        self._again = None

    def _apply(self, reading: Reading, asked: Positions) -> bool:
        """Apply a reading. Return False if the topic was dropped or added again elsewhere since the read began."""
        topic = reading.topic
        if topic not in self.positions or self.positions[topic] != asked[topic]:
            return False
        self.positions = {**self.positions, topic: reading.position}
        if reading.reset:
            self._reset.append(topic)
            # They are older than the reset. After a restored backup their numbers may be above all that follow.
            self._drop_waiting([topic])
            measures.resets.inc()
        self._queue(encode_events(reading))
        return True

    def _drop_waiting(self, topics: Iterable[str]) -> None:
        if self._waiting:
            for topic in topics:
                self._waiting = without_topic(self._waiting, topic)
            self._waiting_bytes = sum(map(len, self._waiting))

    def _queue(self, events: Sequence[str]) -> None:
        self._waiting += events
        self._waiting_bytes += sum(map(len, events))
        if self._waiting_bytes > MAX_WAITING and not self._catching_up:
            self._close(TOO_SLOW)

    def flush(self) -> Awaitable[None] | None:
        """Send the waiting events, unless catching up will send them anyway."""
        return None if self._catching_up else self._flush()

    def _flush(self) -> Awaitable[None] | None:
        while self._sending is None and self._has_frame():
            if (rest := self._begin(self._take_frame())) is not None:
                return rest
        return None

    def _begin(self, frame: Frame) -> Awaitable[None] | None:
        """Send a frame in place. If the client does not take it immediately, the task stays and later events wait."""
        try:
            rest = begin(self._send(frame))
        except Exception:
            log.exception(_UNSENT)
            self._close(RESTART)
            return None
        if rest is None:
            return None
        self._sending, self._sending_since = asyncio.current_task(), asyncio.get_running_loop().time()
        return self._go_on(rest)

    async def _go_on(self, rest: Awaitable[None]) -> None:
        # Events that arrive while a frame is being sent leave together in the next one.
        try:
            await rest
            while self._has_frame():
                self._sending_since = asyncio.get_running_loop().time()
                await self._send(self._take_frame())
        except Exception:
            log.exception(_UNSENT)
            self._close(RESTART)
        finally:
            self._sending = self._sending_since = None

    def _has_frame(self) -> bool:
        return bool(self._waiting) or self._frame_due

    def _take_frame(self) -> Frame:
        # A topic without a position waits for its read. Its client would fetch too early, and miss events before that.
        unplaced = [topic for topic in self._reset if self.positions.get(topic, _PLACED) is None]
        reset = [topic for topic in self._reset if topic not in unplaced]
        frame = compose(self._waiting, self.positions, more=self._more, reset=reset)
        self._waiting, self._waiting_bytes, self._reset, self._frame_due = [], 0, unplaced, False
        return frame


def _beyond(shown: Position | None, position: Position) -> Position:
    if shown is None or shown.epoch != position.epoch or not shown.start <= position.start <= shown.seq:
        return position
    return replace(position, start=min(shown.seq, position.seq))
