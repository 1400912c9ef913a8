"""The queue of announcements: deliveries that are planned only as fast as they are sent, for a million people or more.

A layer above plans them. A worker with free slots asks for more, so the queue of these stays short. All other
deliveries come first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from notifications_hub.delivery.models import Delivery, DeliveryState

Counts = Mapping[DeliveryState, int]
"""How many deliveries ended in each state."""
Begin = Callable[[Sequence[Delivery]], int]
"""Begin to send deliveries that are claimed, and return how many there are."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The rollouts with deliveries to claim, and how many were claimed and begun already.

    With `more`, the next call can plan further at once.
    """

    rollouts: Sequence[int] = ()
    begun: int = 0
    more: bool = False


class BulkPlanner(Protocol):
    def plan_more(self, wanted: int, begin: Begin) -> Planned:
        """Plan more where fewer than `wanted` are due, for a moment. Cheap when idle.

        The caller holds what is planned, and `begin` is called after each step: at most `wanted` in all.
        """
        ...

    def has_work(self) -> bool:
        """Return whether a worker has something to plan, send or end. Cheap."""
        ...

    def count(self, settled: Mapping[int, Counts]) -> None:
        """Add the settled deliveries of each rollout, in the transaction that records them."""
        ...


_planner: list[BulkPlanner] = []


def use_planner(planner: BulkPlanner) -> None:
    """Let workers ask this planner."""
    _planner[:] = [planner]


def plan_more(wanted: int, begin: Begin) -> Planned:
    return _planner[0].plan_more(wanted, begin) if _planner else Planned()


def has_work() -> bool:
    return any(planner.has_work() for planner in _planner)


def count(settled: Mapping[int, Counts]) -> None:
    for planner in _planner:
        planner.count(settled)
