"""A page that visits one process after another, changes its topics, and returns to views that it kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError

from notifications_hub.live.admission import Admitted, start_positions
from notifications_hub.live.connection import Connection
from notifications_hub.live.start_cursor import cursor_at
from notifications_hub.live.visitor import ANONYMOUS, Visitor
from notifications_hub.streams import cursor
from tests.simulation.database import in_steps
from tests.simulation.page import Joined, Kept, Loaded, Page, load
from tests.simulation.wire import Sent, Wire

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World


class Client:
    """A page and its connection, and the views that the browser keeps of it."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.topics = world.some_topics()
        self.page = Page(topics=world.topics, blame=self._blame, applied=self._applied)
        self.connected: dict[str, float] = {}
        """Times at which the page first heard of each topic on this connection."""
        self._kept: dict[str, Kept] = {}
        self._joined: list[Joined] = []
        self._loading: dict[str, asyncio.Task[None]] = {}

    async def live(self) -> None:
        """Visit one process after another, for as long as the world lasts."""
        while True:
            if process := self.world.any_process():
                if not self.page.at and self.world.faults.happens(0.8):
                    await self._render(process)
                await self._visit(process)
            await self.world.faults.pause()

    # Pages

    async def _render(self, process: Process) -> None:
        """Load a page: first its cursor, then its rows."""
        try:
            text = await in_steps(process, cursor_at, self.topics)
            loaded = {topic: await in_steps(process, load, topic) for topic in self.topics}
        except OperationalError:
            return
        self.page.render(text, loaded)

    def _load_soon(self) -> None:
        for topic in self.page.to_load:
            task = self._loading.get(topic)
            if task is None or task.done():
                self._loading[topic] = asyncio.create_task(self._load(topic))

    async def _load(self, topic: str) -> None:
        while topic in self.page.to_load:
            asked = self.page.to_load[topic]
            if process := self.world.any_process():
                try:
                    one: Loaded = await in_steps(process, load, topic)
                except OperationalError:
                    continue
                if self.page.to_load.get(topic) is asked:
                    self.page.loaded(topic, one)
            await self.world.faults.pause()

    # Connections

    async def _visit(self, process: Process) -> None:
        known = self.page.known()
        start = start_positions(self.topics, known or None)
        wire = Wire(self.world.faults)
        await self.world.faults.pause()
        if not process.is_alive:
            return
        connection = self._open(process, wire)
        connection.listen(*start)
        process.wires[wire] = None
        process.hub.join(connection)
        self.connected = {}
        tasks = [
            asyncio.create_task(act) for act in (self._change_topics(process, wire, connection), self._hang_up(wire))
        ]
        try:
            while (sent := await wire.receive()) is not None and self._take(sent):
                self._load_soon()
        finally:
            for task in tasks:
                task.cancel()
            wire.close()
            process.wires.pop(wire, None)
            if process.is_alive:
                process.hub.leave(connection)
            self._join_up_to(wire.generation)

    def _open(self, process: Process, wire: Wire) -> Connection:
        visitor = Visitor(AnonymousUser(), ANONYMOUS, address=f"192.0.2.{self.number}")
        admitted = Admitted(visitor, tuple(self.topics), self.topics)
        return Connection(admitted, log=process.hub.log, send=wire.send, close=wire.close, kind="ws")

    async def _hang_up(self, wire: Wire) -> None:
        await self.world.happens("visits")
        wire.close()

    def _take(self, sent: Sent) -> bool:
        """Apply a frame. Return False if only a part of it arrived."""
        try:
            frame = json.loads(sent.text)
        except ValueError:
            return False
        self._join_up_to(sent.generation)
        self.world.trace("frame", self.number, [event["seq"] for event in frame["events"]], frame["reset"])
        now = self.world.loop.time()
        self.page.apply(frame)
        for topic in self.page.at:
            self.connected.setdefault(topic, now)
        return True

    # Topics

    async def _change_topics(self, process: Process, wire: Wire, connection: Connection) -> None:
        """Ask for other topics now and then. Often leave a topic only to return to it."""
        chance = self.world.faults.random
        while True:
            await self.world.happens("changes")
            for topic in self.topics:
                if kept := self.page.keep(topic) if chance.random() < 0.2 else None:
                    self._kept[topic] = kept
            wish = self.world.some_topics()
            if chance.random() < 0.5:
                left = chance.choice(self.topics)
                await self._ask(process, wire, connection, [topic for topic in self.topics if topic != left])
                wish = sorted({*self.topics, left})
            await self._ask(process, wire, connection, wish)

    async def _ask(self, process: Process, wire: Wire, connection: Connection, topics: Sequence[str]) -> None:
        kept = {topic: one for topic, one in self._kept.items() if topic in topics}
        if self.world.faults.happens(0.2):
            kept = {}
        await self.world.faults.pause()
        if wire.is_open and process.is_alive:
            self._change(process, wire, connection, topics, kept)

    def _change(
        self, process: Process, wire: Wire, connection: Connection, topics: Sequence[str], kept: Mapping[str, Kept]
    ) -> None:
        retained = frozenset(topic for topic in topics if connection.positions.get(topic) is not None)
        added = {topic: one for topic, one in kept.items() if topic not in retained}
        wire.generation += 1
        self.topics = list(topics)
        self._joined.append(Joined(wire.generation, topics, retained, added))
        known = {cursor.key_of(topic): one.position for topic, one in kept.items()}
        process.hub.change(connection, *start_positions(topics, known))

    def _join_up_to(self, generation: int) -> None:
        """Take over the changes that the server had made when it sent a frame of this generation."""
        while self._joined and self._joined[0].generation <= generation:
            joined = self._joined.pop(0)
            self.page.join(joined)
            self.connected = {topic: at for topic, at in self.connected.items() if topic in joined.retained}

    # Checking

    def _blame(self, fault: str) -> None:
        self.world.blame(f"client {self.number}: {fault}")

    def _applied(self, topic: str, epoch: str, seq: int, n: int) -> None:
        self.world.applied(topic, epoch, seq, n, since=self.connected.get(topic))

    def is_equal(self, topic: str, loaded: Loaded, pruned_through: int) -> bool:
        """Return whether the page knows exactly the log of a topic."""
        at, rows = self.page.at.get(topic), self.page.rows.get(topic, {})
        known = {seq: n for seq, n in rows.items() if seq > pruned_through}
        is_there = at is not None and (at.epoch, at.seq) == (loaded.epoch, loaded.top)
        return is_there and topic not in self.page.to_load and known == loaded.rows
