"""The topics that connections of this process listen to: read from the log once for all, and fanned out.

A round takes what was read to each connection in turn and sends it in place; what is committed meanwhile is the next
round. So frames grow under load, and nobody is later than one round.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TypeVar, TypeVarTuple

from notifications_hub import streams
from notifications_hub.live.close_codes import RESTART
from notifications_hub.live.connection import Connection
from notifications_hub.live.db_threads import Database
from notifications_hub.live.eager_start import Step, in_turn, start
from notifications_hub.live.frames import Round, batch_of
from notifications_hub.streams import Reading
from notifications_hub.streams.cursor import Position

_TOPICS_PER_READ = 200
_TOPICS_PER_CHECK = 1000
"""Few, so that a look that finds nothing takes the interpreter from a round for a millisecond at a time."""

Given = TypeVarTuple("Given")
T = TypeVar("T")

log = logging.getLogger(__name__)


class _Listened:
    """A topic, who listens to it, and how far it has been read."""

    __slots__ = ("connections", "position")

    def __init__(self) -> None:
        # A dict keeps them as they came, which is about as they lie in memory: a round meets fewer cold pages.
        self.connections: dict[Connection, None] = {}
        self.position: Position | None = None


class Fanout:
    """Everything runs on one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # A thread of its own: no acknowledgement, admission or look at everything keeps news waiting.
        self._log = Database(threads=1)
        self._topics: dict[str, _Listened] = {}
        self._behind: dict[str, int] = {}
        self._wake = asyncio.Event()

    def close(self) -> None:
        self._log.close()

    # Who listens

    def listen(self, connection: Connection, topics: Iterable[str]) -> None:
        for topic in topics:
            self._topics.setdefault(topic, _Listened()).connections[connection] = None

    def forget(self, connection: Connection, topics: Iterable[str]) -> None:
        for topic in topics:
            if listened := self._topics.get(topic):
                listened.connections.pop(connection, None)
                if not listened.connections:
                    del self._topics[topic]

    def caught_up(self, connection: Connection) -> None:
        """Topics that nobody listened to before are read from where their first connection stands."""
        for topic, position in connection.positions.items():
            listened = self._topics.get(topic)
            if listened is not None and listened.position is None:
                listened.position = position

    # What is heard

    def note(self, tops: Mapping[str, int]) -> None:
        """These topics have grown."""
        for topic, top in tops.items():
            listened = self._topics.get(topic)
            if listened is None:
                continue
            if listened.position is None:
                _each(listened.connections, Connection.miss)
            elif top > listened.position.seq:
                self._behind[topic] = top
        if self._behind:
            self._wake.set()

    def publish_ephemeral(self, topic: str, event: str) -> None:
        """An encoded event that is in no log."""
        if listened := self._topics.get(topic):
            _each(listened.connections, Connection.queue_ephemeral, event)
            start(in_turn([connection.flush for connection in listened.connections]))

    # Reading and fanning out

    async def read_behind(self) -> None:
        """Waits for topics that have grown, and reads them until there are none; called over and over."""
        await self._wake.wait()
        self._wake.clear()
        while self._behind:
            # Taken out before the read: what is hinted meanwhile may not be in it, and is read again.
            taken = {topic: self._behind.pop(topic) for topic in list(islice(self._behind, _TOPICS_PER_READ))}
            try:
                readings = await self._log(streams.read, self._wanted(taken), streams.BATCH_BYTES)
            except Exception:
                self._behind = taken | self._behind
                self._wake.set()
                raise
            await in_turn(self._offers(readings))

    def _wanted(self, topics: Iterable[str]) -> dict[str, Position | None]:
        """Return from where to read topics; one that was given up meanwhile is not read."""
        listened = {topic: self._topics[topic] for topic in topics if topic in self._topics}
        for one in listened.values():
            if one.position is None:
                # Given up and taken up again. Only its connections know where they stand, so they read themselves.
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
                # Who comes meanwhile reads the log later than this was read; who goes has no positions any more.
                for connection in list(listened.connections):
                    yield partial(_guarded, connection, Connection.offer, offered)

    # Looking for ourselves

    async def check_log(self) -> None:
        """Hints that were lost, and processes that reach us by no layer: whatever the log has and we have not."""
        topics = iter(list(self._topics))
        while some := list(islice(topics, _TOPICS_PER_CHECK)):
            positions = {topic: self._topics[topic].position for topic in some if topic in self._topics}
            for topic, (epoch, top) in (await self._database(streams.moved, positions)).items():
                self._compare(topic, epoch, top)

    def _compare(self, topic: str, epoch: str, top: int) -> None:
        listened = self._topics.get(topic)
        if listened is None:
            return
        if listened.position is None:
            # Added to a connection that was open already, which reads up to here by itself.
            listened.position = Position(epoch, top, top)
            _each(listened.connections, Connection.miss)
        elif epoch != listened.position.epoch or top < listened.position.seq:
            self._behind[topic] = top
            self._wake.set()
        else:
            self.note({topic: top})


def _each(connections: Iterable[Connection], act: Callable[[Connection, *Given], None], *given: *Given) -> None:
    for connection in list(connections):
        _guarded(connection, act, *given)


def _guarded(connection: Connection, act: Callable[[Connection, *Given], T | None], *given: *Given) -> T | None:
    # A fault of one connection never reaches another. It may have missed what it was handed, so it comes back for it.
    try:
        return act(connection, *given)
    except Exception:
        log.exception("A connection failed while events were handed to it")
        connection.end(RESTART)
        return None
