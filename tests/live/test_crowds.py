"""Ten thousand connections in one process: what is revoked elsewhere, and asked again, keeps nobody waiting.

`FULL=1` makes it 10,000, as `make faults` does; without it is some hundred, and held to no time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import User
from notifications_hub import revoke
from notifications_hub.live import topics
from notifications_hub.live.closing import Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.frames import Frame
from notifications_hub.live.hub import Hub, start_hub, stop_hub
from notifications_hub.live.opening import Admitted, Asked, admit_many, start
from tests.support.full import FULL, report

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.clocked,
    pytest.mark.faults(short=True),
]

CROWD = 10_000 if FULL else 300
NAMES = ("inbox", "asked.1")


class Room:
    """Connections of people who signed in, which nobody is at the other end of."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.connections: list[Connection] = []
        self.ended: dict[object, tuple[Closing, float]] = {}

    async def fill(self, people: Sequence[User]) -> None:
        keys = await sync_to_async(sign_in)(people)
        for some in range(0, len(keys), 500):
            asked = [Asked(key, NAMES) for key in keys[some : some + 500]]
            for admitted in await self.hub.database(admit_many, asked):
                self.enter(cast("Admitted", admitted))

    def enter(self, admitted: Admitted) -> None:
        person = admitted.visitor.person.pk

        def close(closing: Closing) -> None:
            self.ended.setdefault(person, (closing, time.monotonic()))

        connection = Connection(admitted, database=self.hub.database, send=_send, close=close)
        connection.listen(*start(admitted.topics, None))
        self.connections.append(connection)
        self.hub.join(connection)


async def _send(frame: Frame) -> None:
    return None


def sign_in(people: Sequence[User]) -> list[str]:
    """Sessions as Django makes them, all in one statement."""
    store, end = SessionStore(), timezone.now() + timedelta(days=1)
    rows = [
        Session(session_key=f"{person.pk:032d}", session_data=store.encode(_session_of(person)), expire_date=end)
        for person in people
    ]
    Session.objects.bulk_create(rows, batch_size=1000)
    return [row.session_key for row in rows]


def _session_of(person: User) -> dict[str, str]:
    return {
        SESSION_KEY: str(person.pk),
        BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
        HASH_SESSION_KEY: person.get_session_auth_hash(),
    }


def people(count: int) -> list[User]:
    rows = [User(username=f"person{number}", password="!") for number in range(count)]
    return list(get_user_model().objects.bulk_create(rows, batch_size=1000))


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic whose rule asks the database, as most do."""
    monkeypatch.setattr(topics, "_rules", dict(topics._rules))

    @topics.topic("asked.<int:pk>")
    def asked(user: Any, pk: int) -> bool:
        return not get_user_model().objects.filter(pk=user.pk, username="").exists()


@pytest.fixture
async def room(rule: None) -> AsyncIterator[Room]:
    yield Room(start_hub())
    await stop_hub()


async def settled(room: Room) -> None:
    """Everybody has caught up."""
    while any(connection._catching_up for connection in room.connections):
        await asyncio.sleep(0.1)


async def test_revocations_of_people_who_are_elsewhere_cost_the_event_loop_next_to_nothing(room: Room) -> None:
    crowd, absent = await sync_to_async(lambda: (people(CROWD), elsewhere(1000)))()
    await room.fill(crowd)
    await settled(room)
    for task in room.hub._tasks:
        task.cancel()
    await asyncio.sleep(1)
    await room.hub._watch.heed()
    await sync_to_async(lambda: [revoke(person, session="x") if person.pk % 2 else revoke(person) for person in absent])()
    await asyncio.sleep(0.2)
    before = time.thread_time()
    await room.hub._watch.heed()
    spent = time.thread_time() - before
    report(f"{CROWD} connections, 1,000 revocations of absent people: {spent * 1000:.1f} ms of the loop")
    assert spent < 0.02
    assert room.ended == {}


def elsewhere(count: int) -> list[User]:
    rows = [User(username=f"elsewhere{number}", password="!") for number in range(count)]
    return list(get_user_model().objects.bulk_create(rows, batch_size=1000))


async def test_neither_a_newcomer_nor_a_revocation_waits_for_those_who_are_asked_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications_hub.live.watch.CHECK_SECONDS", 20.0 if FULL else 4.0)
    crowd, newcomers = await sync_to_async(lambda: (people(CROWD), elsewhere(20)))()
    keys = await sync_to_async(sign_in)(newcomers)
    await room.fill(crowd)
    await settled(room)
    waits, ends = [], []
    began = time.monotonic()
    for key, person in zip(keys, crowd, strict=False):
        asked = time.monotonic()
        await room.hub.database.together(admit_many, Asked(key, NAMES))
        waits.append(time.monotonic() - asked)
        ends.append(await end_of(room, person))
        await asyncio.sleep(1.2 if FULL else 0.2)
    report(f"{CROWD} connections asked again within {time.monotonic() - began:.0f} s:")
    report(f"a newcomer waited {max(waits):.2f} s at most, a changed password {max(ends):.2f} s")
    assert max(ends) < 2
    assert max(waits) < 0.5
    assert len(room.ended) == len(ends)


async def end_of(room: Room, person: User) -> float:
    """Seconds from a changed password to the end of their connection."""

    def change() -> None:
        person.set_unusable_password()
        person.save()

    await sync_to_async(change)()
    changed = time.monotonic()
    while person.pk not in room.ended:
        await asyncio.sleep(0.01)
        if time.monotonic() - changed > 30:
            break
    return time.monotonic() - changed
