"""The queue of announcements: deliveries that are planned only as fast as they are sent, for a million people or more.

A layer above plans them. A worker with free slots asks for more, so the queue of these stays short. All other
deliveries come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from notifications_hub.delivery.models import DeliveryState

Counts = Mapping[DeliveryState, int]
"""How many deliveries ended in each state."""


class BulkPlanner(Protocol):
    def plan_more(self, wanted: int) -> list[int]:
        """Plan more if fewer than `wanted` are due. Return the rollouts with deliveries to claim. Cheap when idle."""
        ...

    def count(self, settled: Mapping[int, Counts]) -> None:
        """Add the settled deliveries of each rollout, in the transaction that records them."""
        ...


_planner: list[BulkPlanner] = []


def use_planner(planner: BulkPlanner) -> None:
    """Let workers ask this planner."""
    _planner[:] = [planner]


def plan_more(wanted: int) -> list[int]:
    return [rollout for planner in _planner for rollout in planner.plan_more(wanted)]


def count(settled: Mapping[int, Counts]) -> None:
    for planner in _planner:
        planner.count(settled)
