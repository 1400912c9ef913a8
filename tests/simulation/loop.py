"""An event loop with a virtual clock: time passes only when nothing is left to do, so a run takes no real time.

Callbacks run in the order of asyncio. All disorder comes from delays that a seeded generator draws, so a seed replays.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Raised when work remains, but nothing will ever wake it."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits. `steps` counts the callbacks it ran."""

    def __init__(self) -> None:
        self._now = 1000.0
        self.steps = 0
        super().__init__()

    def time(self) -> float:
        return self._now

    def _write_to_self(self) -> None:
        pass  # Nothing waits in a selector that other threads would have to wake.

    def _run_once(self) -> None:
        # As `BaseEventLoop._run_once`, without the selector: there are no sockets here.
        loop: Any = self
        scheduled, ready = loop._scheduled, loop._ready
        while scheduled and scheduled[0]._cancelled:
            loop._timer_cancelled_count -= 1
            heapq.heappop(scheduled)._scheduled = False
        if not ready:
            if not scheduled:
                raise Stuck
            self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                self.steps += 1
                handle._run()


def run_virtually(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run `main` to its end on a virtual loop."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
