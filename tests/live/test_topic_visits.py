"""A hub's connections by topic and person: it writes the first and the last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import User
from notifications_hub import present
from notifications_hub.live import topic_presence
from notifications_hub.live.db_threads import Database
from notifications_hub.live.topic_presence import PresenceHold, PresenceHub, settle_presence
from notifications_hub.live.topic_visits import TopicVisits
from tests.live.cafe import ROOM, Said, cafe, heard
from tests.support.processes import wait_until

__all__ = ["cafe", "heard"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_a_hub_writes_first_and_last_connections_only(
    monkeypatch: pytest.MonkeyPatch, heard: list[Said], alice: User
) -> None:
    monkeypatch.setattr(topic_presence, "GRACE_SECONDS", 0.5)

    async def visit() -> None:
        database = Database()
        visits = TopicVisits(database)
        for _ in range(3):
            visits.opened(alice.pk, [ROOM, "post.9"])
        visits.opened(None, [ROOM])
        await _until(lambda: len(heard) == 1)
        for _ in range(3):
            visits.closed(alice.pk, [ROOM, "post.9"])
        visits.opened(alice.pk, [ROOM])
        await asyncio.sleep(1)
        assert len(heard) == 1
        visits.closed(alice.pk, [ROOM])
        await _until(lambda: len(heard) == 2)
        await visits.close()
        await asyncio.to_thread(database.close)

    asyncio.run(visit())
    assert heard == [("joined", ROOM, "Alice"), ("left", ROOM, "Alice")]
    assert not PresenceHub.objects.exists()


def test_a_hub_that_was_forgotten_holds_everyone_again(
    monkeypatch: pytest.MonkeyPatch, heard: list[Said], alice: User, bob: User
) -> None:
    monkeypatch.setattr(topic_presence, "RENEW_SECONDS", 0.01)

    async def visit() -> None:
        database = Database()
        visits = TopicVisits(database)
        visits.opened(alice.pk, [ROOM])
        await _until(lambda: len(heard) == 1)
        await database(_bury)
        visits.opened(bob.pk, [ROOM])
        await visits.renew()
        await _until(lambda: len(heard) == 4)
        await visits.close()
        await asyncio.to_thread(database.close)

    asyncio.run(visit())
    assert heard[:2] == [("joined", ROOM, "Alice"), ("left", ROOM, "Alice")]
    assert sorted(heard[2:]) == [("joined", ROOM, "Alice"), ("joined", ROOM, "Bob")]
    assert set(present(ROOM)) == {alice, bob}, "a hub that stops leaves them some time to reconnect"
    assert not PresenceHold.objects.exists()


def _bury() -> None:
    PresenceHub.objects.update(leased_until=Now() - timedelta(seconds=1))
    settle_presence()


def test_a_write_that_failed_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, heard: list[Said], alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(topic_presence, "RENEW_SECONDS", 0.01)

    def fail(*given: object) -> None:
        raise RuntimeError("the database is away")

    async def visit() -> None:
        database = Database()
        visits = TopicVisits(database)
        with monkeypatch.context() as away:
            away.setattr(topic_presence, "hold", fail)
            visits.opened(alice.pk, [ROOM])
            await _until(lambda: "the database is away" in caplog.text)
        await visits.renew()
        await _until(lambda: len(heard) == 1)
        await visits.close()
        await asyncio.to_thread(database.close)

    asyncio.run(visit())
    assert heard == [("joined", ROOM, "Alice")]


async def _until(holds: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, holds, seconds=20, what="a write")
