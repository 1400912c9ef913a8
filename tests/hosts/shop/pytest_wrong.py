"""A wrong assertion under pytest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from notifications_hub.testing import Captured

from .views import buy


def test_the_wrong_person(notified: Captured, cast: Sequence[Any]) -> None:
    buy("bob", "alice", "pears")
    notified.assert_notified(cast[2], kind="shop.sold")
