"""Digests and ends of quiet hours fall due by thousands in one second. They hold up no other delivery."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import claiming
from notifications_hub.delivery.models import Delivery, DeliveryState, first_due_delivery
from notifications_hub.delivery.worker import HELD_SLOTS, Worker
from notifications_hub.message import Message
from tests.announcements.test_rollout_cost import plans_of
from tests.support.deliveries import PushInMemory, make_due, memory, one_worker, send, sent, use_memory
from tests.support.processes import wait_until

__all__ = ["one_worker"]

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

PEOPLE = 300
INDEXES = ("hub_delivery_due", "hub_delivery_held_due", "hub_delivery_rollout")


@pytest.fixture(autouse=True)
def held(settings: Settings, bob: User) -> None:
    """Let a notification of each of many people fall due, after it was held back."""
    use_memory(settings, ack_window=0)
    User.objects.bulk_create(User(username=f"person{number}") for number in range(PEOPLE))
    send(bob, *User.objects.filter(username__startswith="person"))
    # Each address is a person's primary key.
    with connection.cursor() as sql:
        sql.execute("UPDATE notifications_hub_delivery SET held_for_id = CAST(address AS integer)")
    Delivery.objects.update(due_at=datetime.now(UTC) - timedelta(minutes=1))


def _fresh(alice: User, bob: User, count: int = 1) -> list[str]:
    rows = [row for _ in range(count) for row in send(bob, alice)]
    make_due(held_for=None)
    return [str(row.pk) for row in rows]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Hold every send until the gate opens."""
    opened, deliver = threading.Event(), PushInMemory.send

    async def wait(self: PushInMemory, message: Message, address: str) -> None:
        while not opened.is_set():  # noqa: ASYNC110 -- another thread opens it
            await asyncio.sleep(0.01)
        await deliver(self, message, address)

    monkeypatch.setattr(PushInMemory, "send", wait)
    yield opened
    opened.set()


def test_a_push_that_falls_due_after_them_is_sent_in_the_first_turn(alice: User, bob: User, one_worker: Worker) -> None:
    [fresh] = _fresh(alice, bob)
    one_worker.turn()
    one_worker.finish()
    assert fresh in sent()
    one_worker.run_due()
    assert len(memory().outbox) == PEOPLE + 1
    assert not Delivery.objects.exclude(state=DeliveryState.SENT).exists()


def test_slow_ones_leave_slots_free(alice: User, bob: User, one_worker: Worker, gate: threading.Event) -> None:
    for _ in range(5):
        one_worker.turn()
    claimed = Delivery.objects.exclude(claim=None)
    assert claimed.count() == HELD_SLOTS
    _fresh(alice, bob)
    assert one_worker.turn() == 1
    gate.set()
    wait_until(lambda: one_worker.turn() > 0, what="others that were held")
    one_worker.run_due()
    assert not Delivery.objects.exclude(state=DeliveryState.SENT).exists()


def test_they_get_a_quarter_of_each_batch_beside_many_others(alice: User, bob: User) -> None:
    _fresh(alice, bob, 20)
    claimed = claiming.claim_due(16)
    assert sum(one.held_for_id is not None for one in claimed) == 4
    assert len(claimed) == 16
    assert {one.held_for_id for one in claiming.claim_due(4, held=0)} == {None}
    assert sum(one.held_for_id is not None for one in claiming.claim_due(50, held=10)) == 10


def test_each_queue_has_an_index(alice: User, bob: User) -> None:
    _fresh(alice, bob)
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    fresh, held, *_locks = plans_of(lambda: claiming.claim_due(10))
    assert _names(fresh) == {"hub_delivery_due"}
    assert _names(held) == {"hub_delivery_held_due"}
    Delivery.objects.update(claim=None)
    plans = plans_of(first_due_delivery)
    assert [_names(plan) for plan in plans] == [{"hub_delivery_due"}, {"hub_delivery_held_due"}]


def _names(plan: str) -> set[str]:
    return {name for name in INDEXES if f"{name} " in f"{plan} ".replace("\n", " ")}
