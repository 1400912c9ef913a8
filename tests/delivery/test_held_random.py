"""Quiet hours under random changes, failures and lost workers: each delivery ends in one message, or is read."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import claiming
from notifications_hub.delivery.group_claims import claim_groups
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.kinds import Kind, Urgency
from notifications_hub.message import Message
from notifications_hub.notification import Notification
from notifications_hub.own_kinds import QuietSummary
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.schedules import reconsider, save_schedule
from notifications_hub.transports import TransportError
from tests.support.deliveries import make_due, memory, one_worker, send, use_memory
from tests.support.full import FULL

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

STEPS = 40


class Siren(Kind):
    name = "tests.held_siren"
    urgency = Urgency.CRITICAL


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


class Day:
    """A person's day, in steps that a seed chooses."""

    def __init__(self, seed: int, person: User, actor: User, worker: Worker) -> None:
        self.chance = random.Random(seed)
        self.person, self.actor, self.worker = person, actor, worker
        self.is_paused = False
        self.messages: list[Message] = []

    def step(self) -> None:
        self.chance.choice([self.send, self.send, self.send, self.change, self.read, self.lose, self.fail, self.work])()

    def send(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            send(self.actor, self.person, kind=self.chance.choice(["default", "default", "tests.held_siren"]))

    def change(self) -> None:
        self.is_paused = not self.is_paused
        until = datetime.now(UTC) + timedelta(hours=9)
        save_schedule(self.person, Schedule(paused_until=until if self.is_paused else None))
        # The test's transaction never commits.
        reconsider([self.person.pk])

    def read(self) -> None:
        unread = list(Notification.objects.unread().values_list("pk", flat=True))
        marks.mark(self.person, Mark.READ, [str(pk) for pk in unread if self.chance.random() < 0.2])

    def lose(self) -> None:
        """Let a worker claim something, perhaps as a group, and be killed."""
        claimed = claiming.claim_due(self.chance.randint(1, 5))
        if waited := [one for one in claimed if one.held_for_id is not None]:
            claim_groups([self.chance.choice(waited)])

    def fail(self) -> None:
        memory().fail_next(TransportError("The service is away."))

    def work(self) -> None:
        # Leases and pauses are over, but no quiet hours.
        make_due(state="waiting", claim__isnull=False)
        make_due(state="waiting", held_for=None)
        if not self.is_paused:
            make_due(state="waiting")
        self.worker.run_due()
        new = [message for message, _address in memory().outbox]
        memory().outbox.clear()
        assert not self.is_paused or all(message.urgency is Urgency.CRITICAL for message in new)
        self.messages += new


def covered(message: Message) -> int:
    """Return how many notifications a message is about."""
    if message.kind != QuietSummary.name:
        return 1
    [number] = re.findall(r"^\d+", message.title)
    return int(number)


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(5 if FULL else 3))
def test_each_delivery_ends_in_one_message_or_is_read(seed: int, alice: User, bob: User, one_worker: Worker) -> None:
    day = Day(seed, alice, bob, one_worker)
    for step in (day.change, day.send, day.send, day.work, *[day.step] * STEPS):
        step()
    if day.is_paused:
        day.change()
    while Delivery.objects.filter(state="waiting").exists():
        day.work()
    ends = list(Delivery.objects.values_list("state", "reason"))
    assert set(ends) <= {("sent", "accepted"), ("sent", "summed_up"), ("cancelled", "read")}
    assert sum(map(covered, day.messages)) == sum(state == "sent" for state, _reason in ends)
    sent = Delivery.objects.filter(state="sent")
    assert len(day.messages) == sent.filter(summary=None).count()
    assert set(sent.exclude(summary=None).values_list("reason", flat=True)) <= {"summed_up"}
    assert any(covered(message) > 1 for message in day.messages)
