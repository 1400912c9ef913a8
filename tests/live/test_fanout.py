"""One round to many connections: their frames, and the effect of slow or faulty ones on the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import chain
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from notifications_hub import streams
from notifications_hub.live import eager_start
from notifications_hub.live.close_codes import RESTART, TOO_SLOW, Closing
from notifications_hub.live.connection import MAX_WAITING, Connection
from notifications_hub.live.fanout import Fanout
from notifications_hub.live.frames import Frame
from notifications_hub.live.visitor import Credential, Visitor
from notifications_hub.streams import Changes, LoggedEvent, Reading, cursor
from notifications_hub.streams.cursor import Position

EPOCH, POST = "0123abcd", "post.9"


class World:
    """A log that a test extends, and a fan-out that reads it."""

    def __init__(self) -> None:
        self.fanout = Fanout(cast("Any", self.database), lambda tops: None)
        self._tops: dict[str, int] = {}
        self._size = 2
        self.marks: list[object] = []
        self.compared: list[int] = []
        self.is_complete = True
        self.fault: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        cast("Any", self.fanout)._log = self.log
        self._reading = asyncio.create_task(self._read_forever())

    async def listener(self, *topics: str, start: int = 0) -> Listener:
        listener = Listener(self, {topic: Position(EPOCH, start, start) for topic in topics})
        self.fanout.listen(listener.connection, topics)
        await listener.connection.start()
        self.fanout.caught_up(listener.connection)
        listener.frames.clear()
        return listener

    async def publish(self, topic: str, count: int = 1, *, size: int = 2) -> None:
        """Commit events, and fan them out."""
        self._size = size
        self.grow(topic, count)
        self.fanout.note({topic: self._tops[topic]})
        await self.settled()

    def grow(self, topic: str, count: int = 1) -> None:
        self._tops[topic] = self._tops.get(topic, 0) + count

    @property
    def is_reading(self) -> bool:
        return not self._reading.done()

    async def settled(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def publish_without_hint(self, topic: str) -> None:
        """Publish as another process without a channel layer does; the next check of the log finds it."""
        self.grow(topic)
        await self.fanout.check_log()
        await self.settled()

    async def database(self, function: object, positions: Mapping[str, Position]) -> object:
        if function is streams.changes_since:
            self.marks.append(positions)
            return Changes(
                len(self.marks), {topic: (EPOCH, top) for topic, top in self._tops.items()}, self.is_complete
            )
        if function is streams.moved:
            if self.fault:
                raise self.fault
            self.compared.append(len(positions))
            return {topic: (EPOCH, self._tops[topic]) for topic in positions if topic in self._tops}
        return [self._read(topic, position) for topic, position in positions.items()]

    async def log(self, function: object, positions: Mapping[str, Position], size: int) -> object:
        await self.open.wait()
        return await self.database(function, positions)

    @asynccontextmanager
    async def page(self, positions: Mapping[str, Position]) -> AsyncIterator[list[Reading]]:
        yield [self._read(topic, position) for topic, position in positions.items()]

    def _read(self, topic: str, position: Position | None) -> Reading:
        top, now, data = self._tops.get(topic, 0), datetime.now(UTC), json.dumps("x" * (self._size - 2))
        if position is None:
            return Reading(topic, EPOCH, top, Position(EPOCH, top, top))
        events = [LoggedEvent(topic, seq, "delivered", data, now) for seq in range(position.seq + 1, top + 1)]
        return Reading(topic, EPOCH, top, Position(EPOCH, position.start, top), events=events)

    async def _read_forever(self) -> None:
        while True:
            await self.fanout.read_behind()


class Listener:
    """A client that takes frames immediately, unless it is `busy`."""

    def __init__(self, world: World, positions: Mapping[str, Position]) -> None:
        self.frames: list[Frame] = []
        self.closings: list[Closing] = []
        self.free = asyncio.Event()
        self.free.set()
        self.fault: Exception | None = None
        self.patience: float | None = None
        self.on_frame: Callable[[Listener], object] = lambda listener: None
        visitor = Visitor(cast("Any", SimpleNamespace(pk=1, is_authenticated=True)), Credential("key"), seconds_left=9)
        admitted = cast("Any", SimpleNamespace(visitor=visitor, names=[]))
        log = cast("Any", SimpleNamespace(page=world.page))
        self.connection = Connection(admitted, log=log, send=self._send, close=self.closings.append, kind="sse")
        self.connection.listen(positions, [])

    @property
    def seqs(self) -> list[list[int]]:
        """The sequence numbers in each frame."""
        return [[event["seq"] for event in json.loads(frame.text)["events"]] for frame in self.frames]

    def busy(self) -> None:
        self.free.clear()

    async def _send(self, frame: Frame) -> None:
        if self.fault:
            raise self.fault
        if self.patience is not None:
            async with asyncio.timeout(self.patience):
                await self.free.wait()
        await self.free.wait()
        self.frames.append(frame)
        self.on_frame(self)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.stop()


def cursors(listeners: Sequence[Listener]) -> list[dict[str, Position]]:
    return [cursor.decode(listener.frames[-1].cursor) for listener in listeners]


async def test_connections_at_the_same_positions_share_one_frame(world: World) -> None:
    alice, bob = await world.listener(POST), await world.listener(POST)
    for _ in range(2):
        await world.publish(POST)
        assert alice.frames[-1] is bob.frames[-1]
    assert alice.seqs == [[1], [2]]
    assert alice.connection.positions is bob.connection.positions


async def test_a_connection_never_gets_the_cursor_of_another(world: World) -> None:
    alice, bob = await world.listener(POST, "inbox.1"), await world.listener(POST, "inbox.2")
    charlie, dora = await world.listener(POST), await world.listener(POST)
    # A later client started elsewhere, and acknowledges only events from then on.
    await world.publish(POST, 2)
    later = await world.listener(POST, start=2)
    await world.publish(POST)
    await world.publish("inbox.2")
    post, inbox = cursor.key_of(POST), cursor.key_of("inbox.2")
    everyone = cursors([alice, bob, charlie, dora, later])
    assert [set(at) for at in everyone] == [{post, cursor.key_of("inbox.1")}, {post, inbox}, {post}, {post}, {post}]
    assert [at[post].start for at in everyone] == [0, 0, 0, 0, 2]
    assert [at[post].seq for at in everyone] == [3] * 5
    assert everyone[1][inbox].seq == 1
    assert (alice.seqs, later.seqs) == ([[1, 2], [3]], [[3]])


async def test_a_topic_added_to_an_open_connection_is_read_from_then_on(world: World) -> None:
    alice, other = await world.listener(POST), "post.10"
    world.fanout.listen(alice.connection, [POST, other])
    alice.connection.change(dict.fromkeys([POST, other], Position(EPOCH, 0, 0)), [])
    await world.settled()
    for _ in range(2):
        await world.publish_without_hint(other)
    assert list(filter(None, alice.seqs)) == [[1], [2]]


async def test_a_check_compares_few_topics_however_many_are_listened_to(world: World) -> None:
    topics = [f"post.{number}" for number in range(500)]
    await world.listener(*topics)
    for _ in range(10):
        await world.fanout.check_log()
    assert world.compared == [50] * 10


async def test_an_incomplete_answer_makes_the_hub_compare_every_topic(world: World) -> None:
    await world.listener(*(f"post.{number}" for number in range(500)))
    world.is_complete = False
    await world.fanout.check_log()
    assert world.compared == [500]


async def test_a_check_that_failed_asks_for_the_same_changes_again(world: World) -> None:
    await world.listener(POST)
    await world.fanout.check_log()
    world.fault = OSError("the database is away")
    with pytest.raises(OSError, match="away"):
        await world.fanout.check_log()
    world.fault = None
    await world.fanout.check_log()
    await world.fanout.check_log()
    assert world.marks == [None, 1, 1, 3]


async def test_a_topic_without_events_is_compared_until_it_has_a_position(world: World) -> None:
    listener = Listener(world, {POST: None})  # type: ignore[dict-item]
    world.fanout.listen(listener.connection, [POST])
    await world.fanout.check_log()
    assert world.fanout._unplaced == {}
    listener.connection.stop()


async def test_a_connection_that_read_ahead_gets_only_new_events(world: World) -> None:
    alice = await world.listener(POST)
    alice.busy()
    await world.publish(POST)
    bob = await world.listener(POST)
    assert bob.connection.positions[POST] == Position(EPOCH, 0, 1)
    await world.publish(POST, 2)
    alice.free.set()
    await world.settled()
    assert (alice.seqs, bob.seqs) == ([[1], [2, 3]], [[2, 3]])


async def test_a_slow_client_delays_no_other_and_gets_everything_in_order(world: World) -> None:
    slow, quick = await world.listener(POST), await world.listener(POST)
    slow.busy()
    for _ in range(5):
        await world.publish(POST)
    assert (quick.seqs, slow.seqs) == ([[1], [2], [3], [4], [5]], [])
    assert slow.connection.stalled_since() is not None
    slow.free.set()
    await world.settled()
    assert slow.seqs == [[1], [2, 3, 4, 5]]
    assert slow.connection.stalled_since() is None
    await world.publish(POST)
    assert slow.frames[-1] is quick.frames[-1]


async def test_a_client_with_too_many_waiting_bytes_is_closed_as_too_slow(world: World) -> None:
    slow, quick = await world.listener(POST), await world.listener(POST)
    slow.busy()
    # The first frame is being sent and does not count as waiting.
    await world.publish(POST, size=MAX_WAITING)
    await world.publish(POST, size=MAX_WAITING // 2)
    assert slow.closings == []
    await world.publish(POST, size=MAX_WAITING // 2)
    assert (slow.closings, quick.closings) == ([TOO_SLOW], [])
    assert quick.seqs == [[1], [2], [3]]
    slow.connection.stop()


async def test_an_ephemeral_event_stays_behind_waiting_events(world: World) -> None:
    slow = await world.listener(POST)
    slow.busy()
    await world.publish(POST)
    await world.publish(POST)
    world.fanout.publish_ephemeral(POST, '{"seq":null}')
    slow.free.set()
    await world.settled()
    assert slow.seqs == [[1], [2, None]]


async def test_a_fault_of_one_connection_ends_only_that_one(world: World) -> None:
    faulty, late, sound = [await world.listener(POST) for _ in range(3)]
    faulty.fault = ValueError("at once")
    late.busy()
    await world.publish(POST)
    late.fault = ValueError("later")
    await world.publish(POST)
    late.free.set()
    await world.settled()
    assert [listener.closings[0] for listener in (faulty, late)] == [RESTART, RESTART]
    assert (sound.closings, sound.seqs) == ([], [[1], [2]])


async def test_a_send_that_times_out_ends_only_that_client(world: World) -> None:
    slow, sound = await world.listener(POST), await world.listener(POST)
    slow.patience, sound.patience = 0.01, 0.01
    slow.busy()
    await world.publish(POST)
    await asyncio.sleep(0.1)
    await world.publish(POST)
    assert (slow.closings, sound.closings) == ([RESTART], [])
    assert (sound.seqs, world.is_reading) == ([[1], [2]], True)


async def test_a_client_that_adds_a_topic_just_dropped_by_others_misses_nothing(world: World) -> None:
    alice = await world.listener(POST)
    world.open.clear()
    world.grow(POST)
    world.fanout.note({POST: 1})
    world.fanout.forget(alice.connection, [POST])
    bob = Listener(world, {POST: Position(EPOCH, 0, 0)})
    world.fanout.listen(bob.connection, [POST])
    await bob.connection.start()
    world.fanout.caught_up(bob.connection)
    # Committed after Bob has read, and before the hub reads. Its hint is the last one.
    world.grow(POST)
    world.open.set()
    await world.settled()
    world.fanout.note({POST: 2})
    await world.settled()
    assert list(chain.from_iterable(bob.seqs)) == [1, 2]


async def test_a_connection_that_leaves_during_a_round_gets_nothing_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eager_start, "AT_A_TIME", 1)
    listeners = [await world.listener(POST) for _ in range(3)]
    gone: list[Listener] = []

    def leave(met: Listener) -> None:
        if not gone:
            gone.append(next(listener for listener in listeners if listener is not met))
            world.fanout.forget(gone[0].connection, [POST])
            gone[0].connection.stop()

    for listener in listeners:
        listener.on_frame = leave
    await world.publish(POST)
    assert [len(listener.frames) for listener in listeners if listener is not gone[0]] == [1, 1]
    assert (gone[0].frames, gone[0].closings) == ([], [])


async def test_a_topic_dropped_during_a_read_is_not_tracked_again() -> None:
    world = World()
    alice = await world.listener(POST, "post.8")
    alice.connection.miss()
    alice.connection.change({"post.8": None}, [])
    await world.settled()
    assert alice.connection.positions.keys() == {"post.8"}
    await world.stop()
