"""The connection between a page and a process, as far as the simulated network is concerned."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from notifications_hub.live.close_codes import Closing
from notifications_hub.live.frames import Frame
from tests.simulation.faults import Faults


@dataclass(frozen=True)
class Sent:
    """A frame under way. `generation` counts the changes of topics that the server had made before it sent this."""

    generation: int
    text: str


class Wire:
    """Frames arrive late, and in order. When it is cut, those under way are lost and one may arrive in part."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._frames: asyncio.Queue[Sent | None] = asyncio.Queue()
        self.is_open = True
        self.generation = 0

    async def send(self, frame: Frame) -> None:
        if self.is_open:
            self._frames.put_nowait(Sent(self.generation, frame.text))
        await self._faults.send()

    async def receive(self) -> Sent | None:
        """Return the next frame, or None at the end."""
        sent = await self._frames.get()
        await self._faults.pause()
        if self.is_open or sent is None:
            return sent
        return Sent(sent.generation, sent.text[: self._faults.random.randrange(len(sent.text))])

    def close(self, closing: Closing | None = None, **_reason: Any) -> None:
        if self.is_open:
            self.is_open = False
            self._frames.put_nowait(None)
