"""The channel layer of all simulated processes. It keeps no promise but that a hint is not changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.faults import Faults


@dataclass
class Bus:
    """Loses, doubles, delays and thereby reorders hints."""

    faults: Faults
    members: dict[str, asyncio.Queue[Mapping[str, Any]]] = field(default_factory=dict)
    made: int = 0

    async def new_channel(self) -> str:
        self.made += 1
        name = f"hub{self.made}"
        self.members[name] = asyncio.Queue()
        return name

    async def group_add(self, group: str, channel: str) -> None:
        self.members.setdefault(channel, asyncio.Queue())

    async def group_discard(self, group: str, channel: str) -> None:
        self.members.pop(channel, None)

    async def receive(self, channel: str) -> Mapping[str, Any]:
        return await self.members[channel].get()

    async def group_send(self, group: str, message: Mapping[str, Any]) -> None:
        loop, faults = asyncio.get_running_loop(), self.faults
        for queue in list(self.members.values()):
            for _ in range(self._times()):
                loop.call_later(faults.delay(), queue.put_nowait, dict(message))

    def _times(self) -> int:
        if self.faults.happens(self.faults.rates.lost_hints):
            return 0
        return 2 if self.faults.happens(self.faults.rates.doubled_hints) else 1
