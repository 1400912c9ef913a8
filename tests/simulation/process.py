"""One web process: a real hub, and the numbering after its commits. It can be killed at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from django.db import OperationalError

from notifications_hub.live.hub import Hub
from notifications_hub.streams.sequencer import number

if TYPE_CHECKING:
    from tests.simulation.client import Wire
    from tests.simulation.world import World


class Process:
    """A hub and its surroundings. What a killed one had begun is lost, but for what the database holds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.is_alive = True
        self.wires: set[Wire] = set()
        self.hub = Hub()
        self._waiting: set[str] = set()
        self._numbering: asyncio.Task[None] | None = None

    def hint(self, tops: Mapping[str, int]) -> None:
        """Pass a hint of the sequencer on, unless it is lost."""
        if self.is_alive and not self._world.faults.happens(self._world.faults.rates.lost_hints):
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
                await asyncio.sleep(self._world.faults.delay())
                topics, self._waiting = self._waiting, set()
                if not self._world.faults.happens(self._world.faults.rates.failed_calls):
                    with self._world.acting(self):
                        number(topics)
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
