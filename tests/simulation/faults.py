"""The seeded source of every delay and every fault."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Frequencies of faults, as a share of the occasions, and how many of each act a second."""

    lost_hints: float = 0
    doubled_hints: float = 0
    failed_statements: float = 0
    slow_steps: float = 0
    slowest: float = 0
    slow_sends: float = 0
    writes: float = 0
    changes: float = 0
    visits: float = 0
    kills: float = 0
    restores: float = 0
    prunes: float = 0

    @classmethod
    def drawn(cls, chance: Random) -> Self:
        """Draw rates of very different worlds: a fault that hides among many others shows where it is alone."""
        return cls(
            lost_hints=chance.choice([0, 0.1, 0.3, 0.9]),
            doubled_hints=chance.choice([0, 0.1]),
            failed_statements=chance.choice([0, 0, 0.005, 0.05]),
            slow_steps=chance.choice([0.02, 0.1, 0.5]),
            slowest=chance.choice([0.05, 0.5, 2]),
            slow_sends=chance.choice([0, 0.1, 0.5]),
            writes=chance.choice([0.5, 3, 10, 20]),
            changes=chance.choice([0.1, 1, 5, 20]),
            visits=chance.choice([0.05, 0.5, 2]),
            kills=chance.choice([0.05, 0.5, 2]),
            restores=chance.choice([0, 0, 0.2, 1]),
            prunes=chance.choice([0, 0.2, 2]),
        )


CALM = Rates()
BRISK = Rates(writes=5, changes=4)
"""Writers and pages are busy, and nothing fails."""


class Faults:
    """One generator for all, so a seed gives the same faults at the same steps."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.rates = CALM

    def happens(self, share: float) -> bool:
        return self.random.random() < share

    def delay(self) -> float:
        """Return seconds: mostly a few milliseconds, sometimes up to `slowest`."""
        if self.happens(self.rates.slow_steps):
            return self.random.uniform(0, self.rates.slowest)
        return self.random.expovariate(500)

    async def pause(self) -> None:
        await asyncio.sleep(self.delay())

    async def send(self) -> None:
        """Wait for a client that does not take what it is sent."""
        if self.happens(self.rates.slow_sends):
            await asyncio.sleep(self.random.uniform(0, self.rates.slowest))
