"""A person's quiet hours in tests: paused, ended as time would end them, and changed as a request does."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.quiet_hours.schedules import save_schedule
from tests.support.deliveries import make_due, memory

if TYPE_CHECKING:
    from accounts.models import User

Commits = Callable[..., Any]
A_WHILE = timedelta(minutes=10)


def pause(person: User, **until: float) -> datetime:
    """Let a person pause everything, and return until when."""
    paused_until = (datetime.now(UTC) + timedelta(**until)).replace(microsecond=0)
    save_schedule(person, Schedule(paused_until=paused_until))
    return paused_until


def end_pause(person: User) -> None:
    """End a person's pause, as time would do it: nothing but the clock makes the deliveries due."""
    QuietHours.objects.filter(pk=person.pk).update(schedule=Schedule().as_json())
    make_due(held_for=person.pk, claim=None)


def change(person: User, schedule: Schedule, capture: Commits) -> None:
    """Store a schedule, as a request does that commits."""
    with capture(execute=True):
        save_schedule(person, schedule)
    # What is due now is due by SQLite's clock in the next millisecond.
    time.sleep(0.01)


def titles() -> list[str]:
    return [message.title for message, _address in memory().outbox]
