"""The limit after which a kind's notifications to one person are gathered in one group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

LONGEST = timedelta(days=1)
MOST = 1000
"""The largest `after`. The rows that a send looks at are so many at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """A storm of notifications: `Storm(after=20, within=timedelta(minutes=10))`.

    What one person gets of the kind beyond `after` in that time is stored as ever, and gathered in one group. Raise
    `ValueError` or `TypeError` for a limit that cannot work.
    """

    after: int
    within: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        if type(self.after) is not int or not 1 <= self.after <= MOST:
            raise ValueError(f"Storm(): `after` must be a whole number from 1 to {MOST}, not {self.after!r}.")
        if not isinstance(self.within, timedelta):
            raise TypeError(f"Storm(): `within` must be a timedelta, not {self.within!r}.")
        if not timedelta() < self.within <= LONGEST:
            raise ValueError("Storm(): `within` must be above zero, and a day at most.")
