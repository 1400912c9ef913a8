"""Interleavings of a connection's own reads with the hub's, step by step. Load would find these only by chance."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import OperationalError

from notifications_hub.live import connection as connections
from notifications_hub.live.close_codes import RESTART, Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.counted_warning import CountedWarning
from notifications_hub.live.frames import Frame, Round, batch_of
from notifications_hub.live.visitor import Credential, Visitor
from notifications_hub.streams import LoggedEvent, Reading, cursor
from notifications_hub.streams.cursor import Position

TOPIC, EPOCH = "open.t", "0123abcd"


class World:
    """A log that a test extends, read by a connection and by a hub."""

    def __init__(self) -> None:
        self.top = 0
        self.epoch = EPOCH
        self.reads = 0
        self.frames = 0
        self.full = False
        self.seqs: list[int] = []
        self.resets: list[tuple[str, bool]] = []
        """Each topic of a `reset`, and whether the frame's cursor has its position."""
        self._taken: asyncio.Event | None = None
        self.closings: list[Closing] = []
        self.after_reading: Callable[[], object] = lambda: None
        visitor = Visitor(cast("Any", SimpleNamespace(pk=1, is_authenticated=True)), Credential("key"), seconds_left=9)
        admitted = cast("Any", SimpleNamespace(visitor=visitor, names=[TOPIC]))
        log = cast("Any", SimpleNamespace(page=self._page))
        self.connection = Connection(admitted, log=log, send=self._send, close=self.closings.append, kind="sse")
        self.connection.listen({TOPIC: Position(EPOCH, 0, 0)}, [])

    def commit(self, count: int = 1) -> None:
        self.top += count

    def restore(self, top: int) -> None:
        """Restore a backup, which has fewer events."""
        self.top, self.epoch = top, "4567cdef"

    def does_not_take_the_next_frame(self) -> asyncio.Event:
        """Return an event that is set once the client takes it."""
        self._taken = asyncio.Event()
        return self._taken

    def hub_offers(self, first: int) -> Awaitable[None] | None:
        """Offer all events from a number on, as a hub that had read up to it."""
        return self.connection.offer(Round(batch_of(self._read(first - 1))))

    async def settled(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    @asynccontextmanager
    async def _page(self, positions: Mapping[str, Position | None]) -> AsyncIterator[list[Reading]]:
        self.reads += 1
        readings = [self._read_from(topic, at) for topic, at in positions.items()]
        self.after_reading()
        yield readings

    def _read_from(self, topic: str, at: Position | None) -> Reading:
        if at is not None and at.epoch == self.epoch:
            return self._read(at.seq)
        return Reading(topic, self.epoch, self.top, Position(self.epoch, self.top, self.top), reset=at is not None)

    def _read(self, after: int) -> Reading:
        now = datetime.now(UTC)
        events = [LoggedEvent(TOPIC, seq, "counted", "{}", now) for seq in range(after + 1, self.top + 1)]
        reading = Reading(TOPIC, self.epoch, self.top, Position(self.epoch, 0, self.top), events=events)
        return reading.within(0) if self.full else reading

    async def _send(self, frame: Frame) -> None:
        sent = json.loads(frame.text)
        self.frames += 1
        self.seqs += [event["seq"] for event in sent["events"]]
        known = cursor.decode(sent["cursor"])
        self.resets += [(topic, cursor.key_of(topic) in known) for topic in sent["reset"]]
        if (taken := self._taken) is not None:
            self._taken = None
            await taken.wait()


def once(act: Callable[[], object]) -> Callable[[], object]:
    left = [act]
    return lambda: left.pop()() if left else None


async def test_events_that_the_hub_read_after_the_clients_own_read_are_not_missed() -> None:
    world = World()

    def meanwhile() -> None:
        world.commit()
        world.hub_offers(1)

    world.after_reading = once(meanwhile)
    await world.connection.catch_up()
    assert (world.seqs, world.reads) == ([1], 2)


async def test_events_that_a_client_has_read_itself_are_not_sent_again() -> None:
    world = World()
    world.commit(3)
    await world.connection.catch_up()
    world.commit()
    world.hub_offers(2)
    world.hub_offers(2)
    await world.settled()
    assert (world.seqs, world.reads) == ([1, 2, 3, 4], 1)


async def test_a_topic_dropped_and_added_again_during_a_read_continues_from_where_it_was_added() -> None:
    world = World()
    world.commit(10)
    await world.connection.catch_up()
    world.seqs.clear()
    world.commit(5)

    def meanwhile() -> None:
        world.connection.change({}, [])
        world.connection.change({TOPIC: Position(EPOCH, 0, 5)}, [])

    world.after_reading = once(meanwhile)
    await world.connection.catch_up()
    assert world.seqs == list(range(6, 16))


async def test_what_waits_across_a_reset_is_not_sent() -> None:
    # A restored backup goes on with lower numbers. A client would take them for events that it already has.
    world = World()
    await world.connection.catch_up()
    taken = world.does_not_take_the_next_frame()
    world.commit()
    sending = asyncio.create_task(_offer(world, 1))
    await world.settled()
    world.commit(9)
    await _offer(world, 2)
    world.restore(4)
    reading = world.connection.start()
    await world.settled()
    taken.set()
    await asyncio.gather(sending, reading)
    assert (world.seqs, world.resets) == ([1], [(TOPIC, True)])


async def test_what_waits_of_a_topic_that_is_dropped_and_added_again_is_sent_once() -> None:
    world = World()
    await world.connection.catch_up()
    taken = world.does_not_take_the_next_frame()
    world.commit()
    sending = asyncio.create_task(_offer(world, 1))
    await world.settled()
    world.commit(2)
    await _offer(world, 2)
    world.connection.change({}, [])
    world.connection.change({TOPIC: Position(EPOCH, 0, 1)}, [])
    taken.set()
    await sending
    await world.settled()
    assert world.seqs == [1, 2, 3]


async def _offer(world: World, first: int) -> None:
    if (rest := world.hub_offers(first)) is not None:
        await rest


async def test_a_reset_waits_for_the_position_from_which_events_follow() -> None:
    # A client fetches when it is asked to, and would miss what is committed between that and the connection's read.
    world = World()
    other = "open.other"
    world.after_reading = once(lambda: world.connection.change({TOPIC: Position(EPOCH, 0, 0), other: None}, [other]))
    await world.connection.catch_up()
    assert (world.reads, world.resets) == (2, [(other, True)])


async def test_a_reader_left_out_of_a_batch_reads_again_and_is_sent_no_empty_frame() -> None:
    world = World()
    world.commit(3)
    world.full = True
    world.after_reading = once(lambda: setattr(world, "full", False))
    await world.connection.catch_up()
    assert (world.seqs, world.frames, world.reads) == ([1, 2, 3], 1, 2)


async def test_a_batch_that_does_not_join_is_read_from_the_log() -> None:
    world = World()
    await world.connection.catch_up()
    world.commit(3)
    world.hub_offers(3)
    await world.settled()
    assert (world.seqs, world.reads) == ([1, 2, 3], 2)


def test_acknowledged_events_are_not_acknowledged_again() -> None:
    connection = World().connection

    def newly_shown(position: Position) -> Position:
        return connection.newly_shown({TOPIC: position})[TOPIC]

    first = Position(EPOCH, 5, 8)
    assert newly_shown(first) == first
    connection.shown = {TOPIC: first}
    assert newly_shown(Position(EPOCH, 5, 11)) == Position(EPOCH, 8, 11)
    assert newly_shown(Position(EPOCH, 5, 7)) == Position(EPOCH, 7, 7)
    # These do not join: from before its start, after its end, and of another epoch.
    for other in (Position(EPOCH, 4, 11), Position(EPOCH, 9, 11), Position("ffffffff", 5, 11)):
        assert newly_shown(other) == other


async def test_a_database_that_is_away_closes_a_crowd_with_one_line_of_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "_unread", CountedWarning(connections.log, "closed: %d (%s)"))

    def fail() -> None:
        raise OperationalError("connection refused\nIs the server running?")

    for _ in range(100):
        world = World()
        world.after_reading = fail
        await world.connection.catch_up()
        assert world.closings == [RESTART]
    assert caplog.messages == ["closed: 1 (connection refused)"]


async def test_a_connection_that_ends_before_its_first_read_does_not_wait_for_the_garbage_collector() -> None:
    world = World()
    gc.collect()
    gc.disable()
    try:
        world.connection.start()
        world.connection.stop()
        await asyncio.sleep(0)
        before = connections_in_memory()
        world.connection = cast("Any", None)
        assert connections_in_memory() == before - 1
    finally:
        gc.enable()


def connections_in_memory() -> int:
    return sum(type(one) is Connection for one in gc.get_objects())
