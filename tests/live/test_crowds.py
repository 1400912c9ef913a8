"""Ten thousand connections in one process: neither revocations nor re-validation delay anyone.

`FULL=1`, as in `make faults`, uses 10,000. Without it there are some hundred, and no time limits.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import defaultdict
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
from notifications_hub.live import revalidation, topics
from notifications_hub.live.admission import AdmissionRequest, Admitted, admit_many, start_positions
from notifications_hub.live.close_codes import Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.frames import Frame
from notifications_hub.live.hub import Hub, start_hub, stop_hub
from notifications_hub.live.visitor import Credential
from tests.support.full import FULL, report

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases(short="postgresql"),
    pytest.mark.clocked,
    pytest.mark.faults(short=True),
]

CROWD, ROUND, TIMES = (10_000, 20.0, 12) if FULL else (300, 2.0, 5)
"""Connections, the seconds in which all are re-validated, and the number of admissions meanwhile."""
NAMES = ("inbox", "asked.1")


class Room:
    """Connections of signed-in people, without real clients."""

    def __init__(self, hub: Hub, rule: Rule) -> None:
        self.hub = hub
        self.rule = rule
        self.ended: dict[object, Closing] = {}
        self._first_frames: dict[object, asyncio.Future[None]] = {}
        self._ends: defaultdict[object, asyncio.Future[None]] = defaultdict(asyncio.get_running_loop().create_future)

    async def fill(self, people: Sequence[User]) -> None:
        keys = await sync_to_async(sign_in)(people)
        for some in range(0, len(keys), 500):
            asked = [AdmissionRequest(Credential(key), NAMES) for key in keys[some : some + 500]]
            for admitted in await self.hub.database(admit_many, asked):
                self._enter(cast("Admitted", admitted))
        async with asyncio.timeout(60):
            await asyncio.gather(*self._first_frames.values())

    def _enter(self, admitted: Admitted) -> None:
        person = admitted.visitor.person.pk

        def close(closing: Closing) -> None:
            if person not in self.ended:
                self.ended[person] = closing
                self._ends[person].set_result(None)

        async def send(frame: Frame) -> None:
            if not first.done():
                first.set_result(None)

        first = self._first_frames[person] = asyncio.get_running_loop().create_future()
        connection = Connection(admitted, log=self.hub.log, send=send, close=close, kind="sse")
        connection.listen(*start_positions(admitted.topics, None))
        self.hub.join(connection)

    async def wait_of(self, key: str) -> float:
        """Admit somebody. Return the seconds it took."""
        asked = time.monotonic()
        await self.hub.database.batched(admit_many, AdmissionRequest(Credential(key), NAMES))
        return time.monotonic() - asked

    async def end_of(self, person: User) -> float:
        """Change a password. Return the seconds until that person's connection ended."""

        def change() -> None:
            person.set_unusable_password()
            person.save()

        await sync_to_async(change)()
        changed = time.monotonic()
        async with asyncio.timeout(60):
            await self._ends[person.pk]
        return time.monotonic() - changed


def sign_in(people: Sequence[User]) -> list[str]:
    """Create sessions as Django makes them, in one statement."""
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


def people(name: str, count: int) -> list[User]:
    rows = [User(username=f"{name}{number}", password="!") for number in range(count)]
    return list(get_user_model().objects.bulk_create(rows, batch_size=1000))


class Rule:
    """A rule that costs one query per person, as most rules do."""

    asked = 0

    def __call__(self, user: Any, pk: int) -> bool:
        self.asked += 1
        return get_user_model().objects.filter(pk=user.pk).exists()


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Rule:
    monkeypatch.setattr(topics, "_rules", dict(topics._rules))
    rule = Rule()
    topics.topic("asked.<int:pk>")(rule)
    return rule


@pytest.fixture
async def room(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    monkeypatch.setattr(revalidation, "CHECK_SECONDS", ROUND)
    yield Room(start_hub(), rule)
    await stop_hub()


async def test_revocations_of_people_connected_elsewhere_cost_the_event_loop_almost_nothing(room: Room) -> None:
    crowd, absent = await sync_to_async(lambda: (people("here", CROWD), people("elsewhere", 1000)))()
    await room.fill(crowd)
    for task in room.hub._tasks:
        task.cancel()
    enforcer = room.hub._enforcer
    await enforcer.handle_revocations()
    await sync_to_async(lambda: revoke_all(absent))()
    await asyncio.sleep(0.2)
    # A full collection of what all tests of this process left behind takes 200 ms, and is not the hub's.
    gc.collect()
    gc.disable()
    try:
        before = time.thread_time()
        await enforcer.handle_revocations()
        spent = time.thread_time() - before
    finally:
        gc.enable()
    report(f"{CROWD} connections, 1,000 revocations of absent people: {spent * 1000:.1f} ms of the event loop")
    assert spent < 0.02
    assert room.ended == {}


def revoke_all(absent: Sequence[User]) -> None:
    for person in absent:
        revoke(person)


async def test_neither_an_admission_nor_a_revocation_waits_for_revalidation(room: Room) -> None:
    crowd, newcomers = await sync_to_async(lambda: (people("here", CROWD), people("new", TIMES)))()
    keys = await sync_to_async(sign_in)(newcomers)
    await room.fill(crowd)
    waits, ends = [], []
    began, asked_before = time.monotonic(), room.rule.asked
    for key, person in zip(keys, crowd, strict=False):
        wait, end = await asyncio.gather(room.wait_of(key), room.end_of(person))
        waits.append(wait)
        ends.append(end)
        await asyncio.sleep(1.2 * ROUND / TIMES)
    report(f"{room.rule.asked - asked_before} rules were called in {time.monotonic() - began:.0f} s")
    report(f"an admission took {max(waits):.2f} s at most, a changed password {max(ends):.2f} s")
    # A busy machine takes longer than this short round. The round only has to be running all the time.
    assert room.rule.asked - asked_before >= CROWD / 4
    assert set(room.ended) == {person.pk for person in crowd[:TIMES]}
    if FULL:
        assert max(ends) < 2
        assert max(waits) < 0.5
