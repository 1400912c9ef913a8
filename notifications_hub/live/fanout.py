"""Fan-out: read each topic's log once for this process, and offer the events to every listening connection.

A round offers a batch to each connection in turn and sends it in place. Events committed during a round form the next
one. So frames grow under load, and no connection is more than one round late.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TypeVarTuple

from notifications_hub import streams
from notifications_hub.database.chunks import chunks
from notifications_hub.live.close_codes import RESTART
from notifications_hub.live.connection import Connection
from notifications_hub.live.db_threads import Database
from notifications_hub.live.eager_start import Step, in_turn, start
from notifications_hub.live.frames import Round, batch_of
from notifications_hub.streams import Reading
from notifications_hub.streams.cursor import Position
from notifications_hub.telemetry import measures, tracing

_TOPICS_PER_READ = 200
_TOPICS_PER_CHECK = 1000
"""A small number, so that a check that finds nothing delays a round by about a millisecond at a time."""
_TOPICS_IN_TURN = 50
_UNTRACED: Mapping[str, str] = {}

Given = TypeVarTuple("Given")

log = logging.getLogger(__name__)


class _Listened:
    """A topic's listeners, and the position up to which it has been read."""

    __slots__ = ("connections", "position")

    def __init__(self) -> None:
        # A dict keeps the order of arrival, which is roughly the order in memory: a round touches fewer cold pages.
        self.connections: dict[Connection, None] = {}
        self.position: Position | None = None


class Fanout:
    """The topics of this process and their listeners. Everything runs on one event loop.

    `heard` gets the tops of topics with new events, whether anybody listens to them or not.
    """

    def __init__(self, database: Database, heard: Callable[[Mapping[str, int]], None]) -> None:
        self._database = database
        self._heard = heard
        # A thread of its own, so that events never wait for an acknowledgement, an admission or a check of all topics.
        self._log = Database("log", threads=1)
        self._topics: dict[str, _Listened] = {}
        # A dict keeps the order, so that the simulation replays.
        self._unplaced: dict[str, None] = {}
        """Topics whose position no connection has reported yet."""
        self._behind: dict[str, int] = {}
        self._traces = tracing.Waiting()
        self._seen: streams.Mark | None = None
        self._in_turn: list[str] = []
        self._wake = asyncio.Event()

    def close(self) -> None:
        self._log.close()

    # Listeners

    def listen(self, connection: Connection, topics: Iterable[str]) -> None:
        for topic in topics:
            if topic not in self._topics:
                self._topics[topic] = _Listened()
                self._unplaced[topic] = None
            self._topics[topic].connections[connection] = None

    def forget(self, connection: Connection, topics: Iterable[str]) -> None:
        for topic in topics:
            if listened := self._topics.get(topic):
                listened.connections.pop(connection, None)
                if not listened.connections:
                    del self._topics[topic]
                    self._unplaced.pop(topic, None)

    def caught_up(self, connection: Connection) -> None:
        """Start reading new topics at the position of their first connection."""
        for topic, position in connection.positions.items():
            listened = self._topics.get(topic)
            if position is not None and listened is not None and listened.position is None:
                self._place(topic, position)

    def _place(self, topic: str, position: Position) -> None:
        self._topics[topic].position = position
        self._unplaced.pop(topic, None)

    # Hints and ephemeral events

    def note(self, tops: Mapping[str, int], traces: Mapping[str, str] = _UNTRACED) -> None:
        """Note that these topics have new events. `traces` are the traceparents of some."""
        self._heard(tops)
        for topic, top in tops.items():
            listened = self._topics.get(topic)
            if listened is None:
                continue
            if listened.position is None:
                _each(listened.connections, Connection.miss)
            elif top > listened.position.seq:
                self._behind[topic] = top
        if traces:
            self._traces.add({topic: parent for topic, parent in traces.items() if topic in self._behind})
        if self._behind:
            self._wake.set()

    def publish_ephemeral(self, topic: str, event: str) -> None:
        """Queue an encoded event, which is in no log, for the topic's listeners, and send it."""
        if listened := self._topics.get(topic):
            _each(listened.connections, Connection.queue_ephemeral, event)
            start(in_turn([connection.flush for connection in listened.connections]))

    # Reading and fanning out

    async def read_behind(self) -> None:
        """Wait for topics with new events, and read them until none is behind. Called in a loop."""
        await self._wake.wait()
        self._wake.clear()
        while self._behind:
            # Take topics out before the read: it may miss events that are hinted during it, which need another read.
            taken = {topic: self._behind.pop(topic) for topic in list(islice(self._behind, _TOPICS_PER_READ))}
            try:
                readings = await self._log(streams.read, self._wanted(taken), streams.BATCH_BYTES)
            except Exception:
                self._behind = taken | self._behind
                self._wake.set()
                raise
            with tracing.batch_spans("notifications_hub.fan_out", self._traces.take(taken)):
                await in_turn(self._offers(readings))

    def _wanted(self, topics: Iterable[str]) -> dict[str, Position | None]:
        """Return the positions to read from. Skip topics that have lost their last listener."""
        listened = {topic: self._topics[topic] for topic in topics if topic in self._topics}
        for one in listened.values():
            if one.position is None:
                # Dropped and added again. Only its connections know their positions, so they read the log themselves.
                _each(one.connections, Connection.miss)
        return {topic: one.position for topic, one in listened.items() if one.position is not None}

    def _offers(self, readings: Iterable[Reading]) -> Iterator[Step]:
        for reading in readings:
            listened = self._topics.get(reading.topic)
            if listened is None:
                continue
            listened.position = reading.position
            if reading.more:
                self._behind[reading.topic] = reading.top
            if reading.reset:
                _each(listened.connections, Connection.miss)
            elif reading.events:
                offered = Round(batch_of(reading))
                # A connection that joins now reads the log later than this read; one that leaves has no positions.
                for connection in list(listened.connections):
                    yield partial(_offer, connection, offered)
                _measure(reading, len(listened.connections))

    # Polling the log

    async def check_log(self) -> None:
        """Find new events without hints: some are lost, and some processes share no channel layer with this one.

        The log answers which topics changed, so listening costs nothing. A few topics are compared in turn besides, to
        find a stream that was changed without an event: restored, or given a new epoch.
        """
        changes = await self._database(streams.changes_since, self._seen)
        self._heard({topic: top for topic, (_epoch, top) in changes.tops.items()})
        for topic, (epoch, top) in changes.tops.items():
            self._compare(topic, epoch, top)
        await self._compare_all(self._next_in_turn() if changes.is_complete else list(self._topics))
        # Only now: if anything above fails, the next check asks for the same changes again.
        self._seen = changes.mark

    def _next_in_turn(self) -> list[str]:
        """Return the topics without a position, and the next few of all."""
        if not self._in_turn:
            self._in_turn = list(self._topics)
        some, self._in_turn = self._in_turn[-_TOPICS_IN_TURN:], self._in_turn[:-_TOPICS_IN_TURN]
        return [*self._unplaced, *some]

    async def _compare_all(self, topics: Iterable[str]) -> None:
        for some in chunks(topics, _TOPICS_PER_CHECK):
            positions = {topic: self._topics[topic].position for topic in some if topic in self._topics}
            moved = await self._database(streams.moved, positions)
            for topic, position in positions.items():
                if topic in moved:
                    self._compare(topic, *moved[topic])
                elif position is None:
                    self._compare(topic, "", 0)

    def _compare(self, topic: str, epoch: str, top: int) -> None:
        listened = self._topics.get(topic)
        if listened is None:
            return
        if listened.position is None:
            # The topic was added to an open connection, which reads up to here by itself.
            self._place(topic, Position(epoch, top, top))
            _each(listened.connections, Connection.miss)
        elif epoch != listened.position.epoch or top < listened.position.seq:
            self._behind[topic] = top
            self._wake.set()
        else:
            self.note({topic: top})


def _measure(reading: Reading, listeners: int) -> None:
    # Once for all listeners, because there may be thousands.
    measures.sent_events.inc(len(reading.events) * listeners)
    now = time.time()
    for event in reading.events:
        # By the clock of the machine that wrote it.
        measures.fanout_time.observe(max(0.0, now - event.created.timestamp()))


def _each(connections: Iterable[Connection], act: Callable[[Connection, *Given], None], *given: *Given) -> None:
    for connection in list(connections):
        try:
            act(connection, *given)
        except Exception as fault:  # noqa: BLE001 -- logged there
            _end_failed(connection, fault)


def _offer(connection: Connection, offered: Round) -> Awaitable[None] | None:
    try:
        return connection.offer(offered)
    except Exception as fault:  # noqa: BLE001 -- logged there
        _end_failed(connection, fault)
        return None


def _end_failed(connection: Connection, fault: Exception) -> None:
    # A fault of one connection never reaches another. It may have missed an event, so its client must reconnect.
    log.error("A connection failed while events were handed to it", exc_info=fault)
    connection.end(RESTART)
