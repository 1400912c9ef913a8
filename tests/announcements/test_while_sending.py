"""Edit, withdraw and stop an announcement while a worker is sending it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from notifications_hub.announcements import announce
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts import control
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.delivery import worker
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.worker import Worker
from notifications_hub.message import Message
from tests.announcements.test_rollouts import announced, members
from tests.support.deliveries import PushInMemory, memory, one_worker, use_memory
from tests.support.processes import wait_until

__all__ = ["one_worker"]

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

PEOPLE = 40


class Gate:
    """Hold every send until the gate opens, and count those that arrived."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.opened = threading.Event()

    async def wait(self, address: str) -> None:
        self.arrived.append(address)
        while not self.opened.is_set():  # noqa: ASYNC110 -- another thread opens it
            await asyncio.sleep(0.01)


@pytest.fixture
def gate(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    use_memory(settings, ack_window=0)
    monkeypatch.setattr(worker, "BATCH", 8)
    monkeypatch.setattr(worker, "BULK_SLOTS", 8)
    gate, send = Gate(), PushInMemory.send

    async def held(self: PushInMemory, message: Message, address: str) -> None:
        await gate.wait(address)
        await send(self, message, address)

    monkeypatch.setattr(PushInMemory, "send", held)
    yield gate
    gate.opened.set()


@pytest.fixture
def sending(gate: Gate, one_worker: Worker) -> Rollout:
    """Return a rollout of which a worker is sending the first pushes."""
    members(PEOPLE)
    rollout = announced()
    begun = 0

    def some_are_under_way() -> bool:
        nonlocal begun
        begun += one_worker.turn()
        return 0 < begun == len(gate.arrived)

    wait_until(some_are_under_way)
    assert 0 < len(gate.arrived) < PEOPLE
    return rollout


def finish(gate: Gate, one_worker: Worker) -> list[str]:
    """Let all sends through, and return the titles of the pushes in order."""
    gate.opened.set()
    one_worker.run_due()
    return [message.title for message, _address in memory().outbox]


@pytest.mark.parametrize("end", [announce.withdraw, control.stop])
def test_no_push_begins_after_it_was_withdrawn_or_stopped(
    sending: Rollout, gate: Gate, one_worker: Worker, end: object
) -> None:
    under_way = len(gate.arrived)
    assert callable(end)
    end(sending.announcement)
    assert len(finish(gate, one_worker)) == under_way
    rest = Delivery.objects.exclude(state=DeliveryState.SENT)
    assert set(rest.values_list("state", flat=True)) <= {DeliveryState.CANCELLED}
    sending.refresh_from_db()
    assert sending.finished_at is not None


def test_pushes_that_begin_after_an_edit_have_its_words(sending: Rollout, gate: Gate, one_worker: Worker) -> None:
    under_way = len(gate.arrived)
    Announcement.objects.update(title="Corrected")
    announce.publish_edit(sending.announcement)
    titles = finish(gate, one_worker)
    assert titles == ["Hello"] * under_way + ["Corrected"] * (PEOPLE - under_way)
