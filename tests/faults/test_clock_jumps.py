"""T29: the clock of a worker's machine jumps by a day, forward and back, between and during its turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import Settings
from time_machine import escape_hatch

from accounts.models import User
from notifications_hub.delivery.models import DeliveryState
from notifications_hub.delivery.worker import Worker
from tests.support.deliveries import make_due, memory, one_worker, send, states, use_memory

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

DAY, HALF = timedelta(days=1, minutes=1), timedelta(hours=12)


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=10)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        yield clock


JUMPS = [(HALF, -HALF), (-HALF, HALF), (-DAY, HALF), (DAY, -DAY), (-DAY, 2 * DAY)]


@pytest.mark.parametrize("jumps", JUMPS, ids=str)
def test_every_push_is_sent_once_although_the_clock_jumps(
    clock: time_machine.Traveller, one_worker: Worker, alice: User, bob: User, jumps: tuple[timedelta, timedelta]
) -> None:
    for jump in (timedelta(), *jumps):
        with time_machine.travel(escape_hatch.datetime.datetime.now(UTC)):
            send(bob, alice)
        clock.shift(jump)
        make_due_by_the_database()
        one_worker.run_due()
        # Nothing that was sent falls due again.
        make_due_by_the_database()
        one_worker.run_due()
    sent = Counter(message.id for message, _address in memory().outbox)
    assert set(sent.values()) == {1}
    # None is out of date: that is for the database's clock to say.
    assert Counter(states()) == Counter({("sent", "accepted"): 3})


def make_due_by_the_database() -> None:
    """Make everything that waits due, by the clock that counts: the database's."""
    with time_machine.travel(escape_hatch.datetime.datetime.now(UTC)):
        make_due(state=DeliveryState.WAITING)
