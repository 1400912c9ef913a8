"""A client that trusts nobody: it checks every frame, and notes each event that is missing, repeated or out of order."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser

from notifications_hub.live.admission import Admitted, start_positions
from notifications_hub.live.close_codes import Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.frames import Frame
from notifications_hub.live.visitor import ANONYMOUS, Visitor
from notifications_hub.streams import cursor
from notifications_hub.streams.cursor import Position

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World



class Wire:
    """One connection between a client and a process. Frames arrive late, and in order; those under way may be lost."""

    def __init__(self, world: World) -> None:
        self._faults = world.faults
        self.frames: asyncio.Queue[str | None] = asyncio.Queue()
        self.is_open = True

    async def send(self, frame: Frame) -> None:
        if self.is_open:
            self.frames.put_nowait(frame.text)
        if self._faults.happens(self._faults.rates.slow_calls):
            await asyncio.sleep(self._faults.delay())

    def close(self, closing: Closing | None = None) -> None:
        if self.is_open:
            self.is_open = False
            self.frames.put_nowait(None)


@dataclass
class Client:
    """A page with some topics. `last` is the number of the last event it applied of each."""

    world: World
    address: str
    topics: Sequence[str]
    cursor: str = ""
    last: dict[str, int] = field(default_factory=dict)
    epochs: dict[str, str] = field(default_factory=dict)
    has_changed: bool = False
    applied: int = 0
    connection: Connection | None = None

    async def live(self) -> None:
        """Visit one process after another, for as long as the world lasts."""
        while True:
            if process := self.world.any_process():
                await self._visit(process)
            await asyncio.sleep(self.world.faults.delay())

    async def _visit(self, process: Process) -> None:
        known = cursor.decode(self.cursor) if self.cursor else None
        # A change that was sent with an older cursor may have set a topic back.
        self.has_changed = any(at.seq < self.last.get(topic, 0) for topic, at in self._positions(known or {}).items())
        start = start_positions(self.topics, known)
        wire = Wire(self.world)
        await asyncio.sleep(self.world.faults.delay())
        if not process.is_alive:
            return
        admitted = Admitted(Visitor(AnonymousUser(), ANONYMOUS, address=self.address), tuple(self.topics), self.topics)
        connection = Connection(admitted, log=process.hub.log, send=wire.send, close=wire.close, keepalive=True)
        connection.listen(*start)
        process.wires.add(wire)
        process.hub.join(connection)
        self.connection = connection
        tasks = [asyncio.create_task(step) for step in (self._change_topics(process, wire), self._hang_up(wire))]
        try:
            await self._read(wire)
        finally:
            for task in tasks:
                task.cancel()
            wire.close()
            process.wires.discard(wire)
            if process.is_alive:
                process.hub.leave(connection)

    async def _hang_up(self, wire: Wire) -> None:
        await self.world.happens("visits")
        wire.close()

    async def _read(self, wire: Wire) -> None:
        while (text := await wire.frames.get()) is not None:
            await asyncio.sleep(self.world.faults.delay())
            if not wire.is_open:
                return
            self._apply(json.loads(text))

    async def _change_topics(self, process: Process, wire: Wire) -> None:
        """Ask for other topics now and then, by the cursor of that moment."""
        faults = self.world.faults
        while True:
            await self.world.happens("changes")
            topics, known = self.world.some_topics(), cursor.decode(self.cursor) if self.cursor else {}
            await asyncio.sleep(faults.delay())
            await asyncio.sleep(faults.delay())
            if self.connection and wire.is_open and process.is_alive:
                self.topics, self.has_changed = topics, True
                process.hub.change(self.connection, *start_positions(topics, known))

    def _positions(self, decoded: Mapping[str, Position]) -> dict[str, Position]:
        keys = {topic: cursor.key_of(topic) for topic in self.world.topics}
        return {topic: decoded[key] for topic, key in keys.items() if key in decoded}

    # Checking

    def _apply(self, frame: dict[str, Any]) -> None:
        at = self._positions(cursor.decode(frame["cursor"]))
        for topic in frame["reset"]:
            self.last.pop(topic, None)
            self.epochs.pop(topic, None)
        events = [event for event in frame["events"] if event["topic"] in at]
        self._begin(at, Counter(event["topic"] for event in events))
        for event in events:
            self._apply_event(at[event["topic"]], event)
        for topic, position in at.items():
            self._compare(topic, position)
        self.cursor = frame["cursor"]

    def _begin(self, at: Mapping[str, Position], events: Mapping[str, int]) -> None:
        """Take over where a topic begins that was new or reset, and which the page therefore has just loaded.

        A change of topics that crosses a reset may bring the position back that it was sent with. It is older than
        what the page has loaded.
        """
        for topic, position in at.items():
            begins = position.seq - events[topic] if self.has_changed else position.start
            self.last.setdefault(topic, begins)

    def _apply_event(self, at: Position, event: dict[str, Any]) -> None:
        topic, seq = event["topic"], event["seq"]
        last = self.last[topic]
        if seq > last + 1:
            self.world.blame(f"{topic}: {seq} came after {last}")
        elif seq <= last and not self.has_changed:
            self.world.blame(f"{topic}: {seq} came again after {last}")
        self.last[topic] = max(last, seq)
        self.applied += 1
        self.world.heard(topic, at.epoch, seq, event["data"])

    def _compare(self, topic: str, at: Position) -> None:
        last = self.last[topic]
        if at.seq > last:
            self.world.blame(f"{topic}: the cursor says {at.seq}, but the last event was {last}")
            self.last[topic] = at.seq
        elif at.seq < last and not self.has_changed:
            self.world.blame(f"{topic}: the cursor went back from {last} to {at.seq}")
        before = self.epochs.get(topic, "")
        # A cursor from before the topic's first event may come back with a change of topics. It has no epoch.
        if before and before != at.epoch and (at.epoch or not self.has_changed):
            self.world.blame(f"{topic}: the epoch changed from {before} to {at.epoch} without a reset")
        self.epochs[topic] = at.epoch
