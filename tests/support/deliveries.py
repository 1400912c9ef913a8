"""Deliveries that are due when a test says so. The database's own clock decides, which no test can turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from notifications_hub.claiming import Outcome, Settled, record
from notifications_hub.delivery import Delivery
from notifications_hub.transports import get_transport
from notifications_hub.transports.memory import Memory

BY_MEMORY = {"web_push": "notifications_hub.transports.memory.Memory"}


def memory() -> Memory:
    """Where the memory transport, set as that of `web_push`, keeps what was sent."""
    return cast(Memory, get_transport("web_push"))


def sent() -> list[str]:
    """The ids of what was sent, in order."""
    return [message.id for message, _address in memory().outbox]


def make_due(**which: Any) -> None:
    Delivery.objects.filter(**which).update(due_at=datetime.now(UTC) - timedelta(seconds=1))


def settle(claimed: Delivery, *outcomes: Outcome) -> None:
    record([Settled(delivery=claimed, outcomes=outcomes)])
