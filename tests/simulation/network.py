"""The parts around the spine that fail: database calls that take their time, and hints that are lost, doubled or late.

Each part draws from one seeded generator, so a seed gives the same faults at the same steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, ParamSpec, Self, TypeVar

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from notifications_hub.live.batching import Batcher, Many

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How often each fault happens, as a share of the occasions, and how many of each kind a second."""

    lost_hints: float
    doubled_hints: float
    failed_calls: float
    slow_calls: float
    slowest: float
    changes: float
    visits: float
    kills: float
    writes: float

    @classmethod
    def drawn(cls, chance: Random) -> Self:
        """Draw rates of very different worlds: a fault that hides among many others shows where it is alone."""
        return cls(
            lost_hints=chance.choice([0, 0.1, 0.3, 0.9]),
            doubled_hints=chance.choice([0, 0.1]),
            failed_calls=chance.choice([0, 0.005, 0.05]),
            slow_calls=chance.choice([0.02, 0.1, 0.5]),
            slowest=chance.choice([0.05, 0.5, 2]),
            changes=chance.choice([0.1, 1, 5, 10]),
            visits=chance.choice([0.05, 0.2, 1]),
            kills=chance.choice([0.02, 0.05, 0.2]),
            writes=chance.choice([0.3, 3, 10]),
        )


CALM = Rates(
    lost_hints=0, doubled_hints=0, failed_calls=0, slow_calls=0, slowest=0, changes=0, visits=0, kills=0, writes=0
)


class Faults:
    """The seeded source of every delay and every fault."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.rates = Rates.drawn(self.random)

    def happens(self, share: float) -> bool:
        return self.random.random() < share

    async def wait(self, times_a_second: float) -> None:
        """Wait until something happens that happens so often."""
        await asyncio.sleep(self.random.expovariate(times_a_second))

    def delay(self) -> float:
        """Return seconds: mostly a few milliseconds, sometimes up to `slowest`."""
        if self.happens(self.rates.slow_calls):
            return self.random.uniform(0, self.rates.slowest)
        return self.random.expovariate(500)


class Calls:
    """Stands in for `live.db_threads.Database`: real functions, each after one delay and before another."""

    def __init__(self, faults: Faults, acting: Callable[[], Any]) -> None:
        self._faults = faults
        self._acting = acting
        self._batchers: dict[object, Batcher[Any, Any]] = {}

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        await asyncio.sleep(self._faults.delay())
        if self._faults.happens(self._faults.rates.failed_calls):
            raise OperationalError("The simulated database did not answer.")
        with self._acting():
            answer = function(*args, **kwargs)
        await asyncio.sleep(self._faults.delay())
        return answer

    async def batched(self, many: Many[A, T], request: A, *, lane: str = "") -> T:
        if (many, lane) not in self._batchers:
            self._batchers[many, lane] = Batcher(self.__call__, many)
        answer: T = await self._batchers[many, lane].ask(request)
        return answer

    def close(self) -> None:
        pass


@dataclass
class Bus:
    """Stands in for the channel layer of all processes. It keeps no promise but that a hint is not changed."""

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
            times = 0 if faults.happens(faults.rates.lost_hints) else 2 if faults.happens(faults.rates.doubled_hints) else 1
            for _ in range(times):
                loop.call_later(faults.delay(), queue.put_nowait, dict(message))


@contextmanager
def using(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Make a connection the one that models and cursors use, so that transactions of one thread can overlap."""
    usual = connections["default"]
    connections["default"] = connection
    try:
        yield
    finally:
        connections["default"] = usual
