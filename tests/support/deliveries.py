"""Deliveries that a test makes due. Due times use the database's clock, which no test can change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from notifications.signals import notify
from pytest_django import Settings

from notifications_hub.delivery.claiming import Outcome, Settled, record
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.reasons import ReasonCode
from notifications_hub.delivery.worker import Worker
from notifications_hub.notification import Notification
from notifications_hub.transports import get_transport
from notifications_hub.transports.memory import Memory

if TYPE_CHECKING:
    from accounts.models import User

BY_MEMORY = {"web_push": "tests.support.deliveries.PushInMemory"}


class PushInMemory(Memory):
    """The memory transport in the place of Web Push, whose browsers report themselves what they showed."""

    confirms = True


def use_memory(settings: Settings, *, ack_window: int) -> None:
    """Reach everybody by the memory transport, each person at their own address."""
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": BY_MEMORY, "ACK_WINDOW": ack_window}


@pytest.fixture
def one_worker() -> Iterator[Worker]:
    one = Worker()
    yield one
    one.close()


def send(actor: User | None, *people: User, **given: Any) -> list[Notification]:
    answers: Any = notify.send(actor, recipient=people, **{"verb": "replied", **given})
    return list(answers[0][1])


def send_due(actor: User, *people: User, **given: Any) -> list[Notification]:
    rows = send(actor, *people, **given)
    make_due()
    return rows


def memory() -> Memory:
    """Return the memory transport that `use_memory` put in place of `web_push`."""
    return cast(Memory, get_transport("web_push"))


def sent() -> list[str]:
    """Return the ids of the messages sent, in order."""
    return [message.id for message, _address in memory().outbox]


def make_due(**which: Any) -> None:
    Delivery.objects.filter(**which).update(due_at=datetime.now(UTC) - timedelta(seconds=1))


def settle(claimed: Delivery, *outcomes: Outcome) -> None:
    record([Settled(delivery=claimed, outcomes=outcomes)])


def states() -> list[tuple[str, str]]:
    """Return the state and the reason of each: its code, or a transport's own words."""
    return [(one.state, _short(one)) for one in Delivery.objects.order_by("pk")]


def _short(one: Delivery) -> str:
    return str(one.reason_parameters["text"]) if one.reason == ReasonCode.TRANSPORT_SAID else one.reason


def outcome() -> tuple[str, str]:
    """Return the state and the reason of the only delivery."""
    [one] = states()
    return one
