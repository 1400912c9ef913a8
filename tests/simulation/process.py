"""One web process: a real hub, and the numbering after its commits. It can be killed at any step."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import OperationalError

from notifications_hub.live.hub import Hub
from notifications_hub.streams import leftovers, settled, sweeper
from notifications_hub.streams.sequencer import number
from notifications_hub.streams.sweeper import Chore, Isolation
from tests.simulation.database import in_steps

if TYPE_CHECKING:
    from tests.simulation.wire import Wire
    from tests.simulation.world import World


class Process:
    """A hub and its surroundings. What a killed one had begun is lost, but for what the database holds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.is_alive = True
        self.wires: dict[Wire, None] = {}
        self._memory = _fresh_memory()
        self._waiting: set[str] = set()
        self._numbering: asyncio.Task[None] | None = None
        with self.acting():
            self.hub = Hub()

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Run a block with the globals of this process, so that it announces the numbers that the block gives."""
        world, before = self.world, self.world.acting
        outside = _swap(self._memory)
        world.acting = self
        try:
            yield
        finally:
            world.acting = before
            self._memory = _swap(outside)

    def hint(self, tops: Mapping[str, int], traces: Mapping[str, str] | None = None) -> None:
        """Pass a hint of the sequencer on, unless it is lost."""
        faults = self.world.faults
        if self.is_alive and not faults.happens(faults.rates.lost_hints):
            self.hub.hint(tops)

    def number_soon(self, topics: Collection[str]) -> None:
        if not self.is_alive:
            return
        self._waiting.update(topics)
        if self._numbering is None:
            self._numbering = asyncio.create_task(self._number())

    async def _number(self) -> None:
        try:
            while self._waiting:
                topics, self._waiting = self._waiting, set()
                await in_steps(self, number, topics)
        except OperationalError:
            pass  # The sweeper numbers them.
        finally:
            self._numbering = None

    def kill(self) -> None:
        """End at once: no close frame, no clean-up, nothing sent."""
        self.is_alive = False
        for task in self.hub._tasks:
            task.cancel()
        if self._numbering is not None:
            self._numbering.cancel()
        for wire in list(self.wires):
            wire.close()
        for connection in self.hub.connections():
            connection.stop()


_Memory = tuple[tuple[Any, str, Any], ...]


def _fresh_memory() -> _Memory:
    """Return the globals of a process that has just begun."""
    isolation: Isolation[Chore] = Isolation(longest=60.0)
    return (
        (settled, "_snapshot", None),
        (leftovers, "_last_full", -leftovers.FULL_SECONDS),
        (leftovers, "_last_sweep", -leftovers.LATE_SECONDS),
        (sweeper, "_isolation", isolation),
        (sweeper, "_turns", sweeper._Turns()),
    )


def _swap(memory: _Memory) -> _Memory:
    before = tuple((module, name, getattr(module, name)) for module, name, _value in memory)
    for module, name, value in memory:
        setattr(module, name, value)
    return before
