"""The hub: the object, one a process, that holds its connections and fans events out to them.

It is told by hints, from this process and over the channel layer from others, that a topic has grown; it reads the log
once for all its connections and offers them what it read. Hints may be lost, doubled or late: each second it looks
itself, and numbers what a killed process left behind. So the live path may be late, never wrong.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Any

from notifications_hub import streams
from notifications_hub.conf import hub_settings
from notifications_hub.cursor import Position
from notifications_hub.live.closing import RESTART, TOO_MANY, TOO_SLOW
from notifications_hub.live.connection import Connection
from notifications_hub.live.database import Database
from notifications_hub.live.frames import batch_of
from notifications_hub.live.gate import Gate
from notifications_hub.live.layer import Layer
from notifications_hub.live.presence import Presence
from notifications_hub.live.watch import Watch
from notifications_hub.streams import Reading
from notifications_hub.sweeper import sweep

SWEEP_SECONDS = 1.0
STALL_SECONDS = 10.0
"""How long one frame may take to leave before its client is taken for gone."""
WARM_SECONDS = 25.0
"""At most so long is a WebSocket silent: proxies forget such lines, and a script hears nothing of a server's pings."""
_SHARES = 25
_TOPICS_A_READ = 200

log = logging.getLogger(__name__)


class _Listened:
    """A topic that connections of this process listen to, and how far the hub has read it."""

    __slots__ = ("connections", "position")

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.position: Position | None = None


class Hub:
    """Everything but `hint` and `say` must be called on its event loop."""

    def __init__(self) -> None:
        self.database = Database()
        self.gate = Gate()
        self.presence = Presence(self.database)
        self._watch = Watch(self.database, self.connections)
        self._loop = asyncio.get_running_loop()
        self._layer = Layer(self._heard)
        self._topics: dict[str, _Listened] = {}
        self._of_person: dict[object, list[Connection]] = {}
        self._behind: dict[str, int] = {}
        self._draining = False
        self._wake = asyncio.Event()
        self._revoked = asyncio.Event()
        self._tasks = [
            self._loop.create_task(_forever(step), name=f"hub {step.__name__}")
            for step in (
                self._read_behind,
                self._sweep,
                self._heed,
                self._keep_warm,
                self._watch.check_all,
                self._layer.listen,
                self.presence.refresh,
            )
        ]

    # From any thread

    def hint(self, tops: Mapping[str, int]) -> None:
        """These topics have grown by this process's doing: tells our connections and, over the layer, other hubs."""
        self._loop.call_soon_threadsafe(self._note, dict(tops))
        self._loop.call_soon_threadsafe(self._layer.hint, dict(tops))

    def say(self, topic: str, event: str) -> None:
        """An encoded event that is not logged: to whoever listens now, in any process that the layer reaches."""
        self._loop.call_soon_threadsafe(self._say, topic, event)
        self._loop.call_soon_threadsafe(self._layer.say, topic, event)

    def heed(self) -> None:
        """A right to listen was taken away."""
        self._loop.call_soon_threadsafe(self._revoked.set)

    # Connections

    @asynccontextmanager
    async def holding(self, connection: Connection) -> AsyncIterator[None]:
        """Keeps a connection while the block runs, and has it catch up meanwhile."""
        self._join(connection)
        catching_up = asyncio.create_task(self._catch_up(connection))
        try:
            yield
        finally:
            catching_up.cancel()
            connection.stop()
            self._leave(connection)

    def change(self, connection: Connection, positions: Mapping[str, Position | None], reset: Sequence[str]) -> None:
        """Has a connection listen to these topics and no others."""
        for topic in connection.positions.keys() - positions.keys():
            self._stop_listening(topic, connection)
        for topic in positions:
            self._topics.setdefault(topic, _Listened()).connections.add(connection)
        connection.change(positions, reset)

    async def _catch_up(self, connection: Connection) -> None:
        await connection.catch_up()
        for topic, position in connection.positions.items():
            listened = self._topics[topic]
            if listened.position is None:
                listened.position = position

    def _join(self, connection: Connection) -> None:
        # Before the connection reads the log, so that nothing falls between its reading and the hub's.
        for topic in connection.positions:
            self._topics.setdefault(topic, _Listened()).connections.add(connection)
        own = self._of_person.setdefault(connection.person_pk, [])
        own.append(connection)
        for oldest in own[: -hub_settings.live_per_user]:
            oldest.end(TOO_MANY)
        if self._draining:
            connection.end(RESTART)
        self.presence.arrived(connection.person_pk)
        self._watch.keep_time(connection)

    def _leave(self, connection: Connection) -> None:
        self._watch.forget(connection)
        for topic in connection.positions:
            self._stop_listening(topic, connection)
        own = self._of_person.get(connection.person_pk, [])
        if connection in own:
            own.remove(connection)
        if not own:
            self._of_person.pop(connection.person_pk, None)
            self.presence.left(connection.person_pk)

    def _stop_listening(self, topic: str, connection: Connection) -> None:
        if listened := self._topics.get(topic):
            listened.connections.discard(connection)
            if not listened.connections:
                del self._topics[topic]

    def connections(self) -> list[Connection]:
        return [connection for own in self._of_person.values() for connection in own]

    def drain(self) -> None:
        """Asks every client to come back elsewhere. From any thread, or from a signal handler."""
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        # Also those that still come: a server goes on listening for a moment, and then waits for them.
        self._draining = True
        for connection in self.connections():
            connection.end(RESTART)

    async def stop(self) -> None:
        """Ends every connection, and frees threads and database."""
        self._drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.presence.close()
        await self._layer.close()
        await asyncio.to_thread(self.database.close)

    # Hearing

    def _heard(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "hub.hint":
            self._note(message["tops"])
        else:
            self._say(message["topic"], message["event"])

    def _note(self, tops: Mapping[str, int]) -> None:
        for topic, top in tops.items():
            listened = self._topics.get(topic)
            if listened is None:
                continue
            if listened.position is None:
                _each(listened, Connection.miss)
            elif top > listened.position.seq:
                self._behind[topic] = top
        if self._behind:
            self._wake.set()

    def _say(self, topic: str, event: str) -> None:
        listened = self._topics.get(topic)
        if listened is not None:
            _each(listened, lambda connection: connection.say(event))

    # Reading and fanning out

    async def _read_behind(self) -> None:
        await self._wake.wait()
        self._wake.clear()
        while self._behind:
            # Taken out before the read: what is hinted meanwhile may not be in it, and is read again.
            taken = {topic: self._behind.pop(topic) for topic in list(islice(self._behind, _TOPICS_A_READ))}
            wanted = {topic: self._topics[topic].position for topic in taken if topic in self._topics}
            try:
                readings = await self.database(streams.read, wanted)
            except Exception:
                self._behind = taken | self._behind
                self._wake.set()
                raise
            for reading in readings:
                self._fan_out(reading)

    def _fan_out(self, reading: Reading) -> None:
        listened = self._topics.get(reading.topic)
        if listened is None:
            return
        listened.position = reading.position
        if reading.reset:
            _each(listened, Connection.miss)
        elif reading.events:
            batch = batch_of(reading)
            _each(listened, lambda connection: connection.offer(batch))
        if reading.more:
            self._behind[reading.topic] = reading.top

    # Looking for ourselves

    async def _sweep(self) -> None:
        await asyncio.sleep(SWEEP_SECONDS)
        self._end_stalled()
        await self.database(sweep)
        await self._look()

    def _end_stalled(self) -> None:
        longest = self._loop.time() - STALL_SECONDS
        for connection in self.connections():
            since = connection.stalled_since()
            if since is not None and since < longest:
                connection.end(TOO_SLOW)

    async def _keep_warm(self) -> None:
        # A share of them at a time, so that no event waits for thousands of frames that nobody does.
        for share in range(_SHARES):
            await asyncio.sleep(WARM_SECONDS / _SHARES)
            for connection in self.connections():
                if hash(connection) % _SHARES == share:
                    connection.keep_warm()

    async def _heed(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._revoked.wait(), SWEEP_SECONDS)
        self._revoked.clear()
        await self._watch.heed()

    async def _look(self) -> None:
        """Hints that were lost, and processes that reach us by no layer: whatever the log has and we have not."""
        topics = iter(list(self._topics))
        while some := list(islice(topics, 1000)):
            for topic, (epoch, top) in (await self.database(streams.tops, some)).items():
                self._compare(topic, epoch, top)

    def _compare(self, topic: str, epoch: str, top: int) -> None:
        listened = self._topics.get(topic)
        if listened is None or listened.position is None:
            return
        if epoch != listened.position.epoch or top < listened.position.seq:
            self._behind[topic] = top
            self._wake.set()
        else:
            self._note({topic: top})


def _each(listened: _Listened, act: Callable[[Connection], None]) -> None:
    # A fault of one connection never reaches another.
    for connection in list(listened.connections):
        try:
            act(connection)
        except Exception:
            log.exception("A connection failed while events were handed to it")


async def _forever(step: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a step over and over; a fault (a database that is away) is logged and tried again."""
    while True:
        try:
            await step()
        except Exception:
            log.exception("%s failed; trying again", step.__qualname__)
            await asyncio.sleep(SWEEP_SECONDS)


# One a process

_hub: Hub | None = None
_lock = threading.Lock()


def start_hub() -> Hub:
    """The process's hub, made on the running event loop when there is none: nothing starts at import."""
    global _hub  # noqa: PLW0603 -- one a process, made when it is first needed
    with _lock:
        if _hub is None:
            _hub = Hub()
        return _hub


def current_hub() -> Hub | None:
    return _hub


async def stop_hub() -> None:
    global _hub
    with _lock:
        hub, _hub = _hub, None
    if hub is not None:
        await hub.stop()
