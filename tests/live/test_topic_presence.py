"""The rows behind presence on topics: who holds whom, races between hubs, and what killed ones leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client

from accounts.models import User
from notifications_hub import joined, left, present, topic
from notifications_hub.live import topic_presence, topics
from notifications_hub.live.db_threads import Database
from notifications_hub.live.topic_presence import (
    HubForgotten,
    Pair,
    PresenceHold,
    PresenceHub,
    TopicPresence,
    hold,
    record_visit,
    register,
    release,
    remove_gone,
    renew,
    settle_presence,
    unregister,
)
from notifications_hub.live.topic_visits import TopicVisits
from tests.inbox.support import queries_of
from tests.support.processes import wait_until
from tests.support.together import rolled_back, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

ROOM = "cafe.window"
Said = tuple[str, str, str]


@pytest.fixture(autouse=True)
def _cafe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(topics, "_rules", dict(topics._rules))
    monkeypatch.setattr(topics, "_with_presence", dict(topics._with_presence))

    @topic("cafe.<slug:name>", presence=True)
    def may_enter(user: Any, name: str) -> bool:
        return True

    monkeypatch.setattr(topic_presence, "_checked_at", 0.0)
    monkeypatch.setattr(topic_presence, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(topic_presence, "SUSPECT_SECONDS", 0.0)
    yield
    topic_presence._suspected.clear()


@pytest.fixture
def heard() -> Iterator[list[Said]]:
    """Collect what receivers get, and check that no transaction is open."""
    heard: list[Said] = []

    def on_joined(topic: str, user: User, **kwargs: Any) -> None:
        assert not connection.in_atomic_block
        heard.append(("joined", topic, str(user)))

    def on_left(topic: str, user: User, **kwargs: Any) -> None:
        assert not connection.in_atomic_block
        heard.append(("left", topic, str(user)))

    joined.connect(on_joined)
    left.connect(on_left)
    yield heard
    joined.disconnect(on_joined)
    left.disconnect(on_left)


@pytest.fixture
def hubs(db: None) -> tuple[str, str]:
    for name in ("one", "other"):
        register(name)
    return "one", "other"


def pair(person: User) -> Pair:
    return ROOM, person.pk


def end_lease(hub: str) -> None:
    PresenceHub.objects.filter(name=hub).update(leased_until=Now() - timedelta(seconds=1))


# Arriving and leaving


def test_a_person_whom_two_hubs_hold_joins_once_and_leaves_with_the_last(
    hubs: tuple[str, str], heard: list[Said], alice: User
) -> None:
    for hub in hubs:
        hold(hub, [pair(alice)])
    assert list(present(ROOM)) == [alice]
    release("one", [pair(alice)], 0)
    assert heard == [("joined", ROOM, "Alice")]
    release("other", [pair(alice)], 0)
    assert heard == [("joined", ROOM, "Alice"), ("left", ROOM, "Alice")]
    assert list(present(ROOM)) == []
    assert not TopicPresence.objects.exists()


def test_a_person_may_come_back_before_they_have_left(hubs: tuple[str, str], heard: list[Said], alice: User) -> None:
    hold("one", [pair(alice)])
    release("one", [pair(alice)], 60)
    remove_gone()
    assert list(present(ROOM)) == [alice]
    hold("other", [pair(alice)])
    assert TopicPresence.objects.get().gone_at is None
    assert heard == [("joined", ROOM, "Alice")]


def test_presence_is_by_topic(hubs: tuple[str, str], alice: User, bob: User) -> None:
    hold("one", [pair(alice), ("cafe.door", bob.pk)])
    assert (list(present(ROOM)), list(present("cafe.door")), list(present("cafe.none"))) == ([alice], [bob], [])
    assert queries_of(lambda: list(present(ROOM).filter(is_active=True).order_by("username"))) == 1


def test_hubs_that_hold_and_release_the_same_crowd_at_once_report_each_person_once(heard: list[Said], db: None) -> None:
    people = get_user_model().objects.bulk_create(User(username=f"guest{n}") for n in range(20))
    crowd = [(room, person.pk) for person in people for room in ("cafe.door", ROOM)]
    names = ["a", "b", "c", "d"]
    for name in names:
        register(name)
    for _ in range(3):
        heard.clear()
        together([_holding(name, crowd[::-1] if number % 2 else crowd) for number, name in enumerate(names)])
        assert sorted(heard) == sorted(("joined", room, str(person)) for room, person in _named(crowd, people))
        heard.clear()
        together([_releasing(name, crowd) for name in names])
        assert sorted(heard) == sorted(("left", room, str(person)) for room, person in _named(crowd, people))


def _holding(hub: str, pairs: list[Pair]) -> Callable[[], None]:
    return lambda: hold(hub, pairs)


def _releasing(hub: str, pairs: list[Pair]) -> Callable[[], None]:
    def release_all() -> None:
        busy = set(pairs)
        while busy:
            busy = release(hub, busy, 0)

    return release_all


def _named(pairs: list[Pair], people: list[User]) -> list[tuple[str, User]]:
    by_pk = {person.pk: person for person in people}
    return [(room, by_pk[pk]) for room, pk in pairs]


def test_arrivals_and_departures_at_the_same_moment_never_lose_anybody(db: None, heard: list[Said]) -> None:
    people = get_user_model().objects.bulk_create(User(username=f"guest{n}") for n in range(10))
    crowd = [(ROOM, person.pk) for person in people]
    for name in ("stays", "goes"):
        register(name)
    for _ in range(5):
        hold("goes", crowd)
        together([_holding("stays", crowd), _releasing("goes", crowd)])
        assert present(ROOM).count() == 10
        _releasing("stays", crowd)()
    kinds = [kind for kind, _topic, _who in heard]
    assert kinds.count("joined") == kinds.count("left") >= 50


@pytest.mark.postgres
def test_a_row_that_another_process_is_changing_is_released_later(hubs: tuple[str, str], alice: User) -> None:
    hold("one", [pair(alice)])
    database = Database(threads=1)

    async def release_meanwhile() -> set[Pair]:
        return await database(release, "one", [pair(alice)], 0)

    with transaction.atomic():
        list(TopicPresence.objects.select_for_update())
        assert asyncio.run(release_meanwhile()) == {pair(alice)}
    assert release("one", [pair(alice)], 0) == set()
    database.close()


def test_a_rolled_back_visit_sends_nothing(heard: list[Said], alice: User) -> None:
    with rolled_back():
        record_visit(alice.pk, [ROOM])
    assert heard == []
    assert list(present(ROOM)) == []


def test_a_receiver_that_raises_harms_nobody(
    hubs: tuple[str, str], heard: list[Said], alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(**given: Any) -> None:
        raise RuntimeError("a host's fault")

    joined.connect(break_down)
    try:
        hold("one", [pair(alice)])
    finally:
        joined.disconnect(break_down)
    assert heard == [("joined", ROOM, "Alice")]
    assert "a host's fault" in caplog.text


def test_a_person_who_was_deleted_is_present_nowhere(hubs: tuple[str, str], heard: list[Said], alice: User) -> None:
    hold("one", [pair(alice)])
    gone = pair(alice)
    alice.delete()
    assert list(present(ROOM)) == []
    assert release("one", [gone], 0) == set()
    hold("one", [gone])
    release("one", [gone], 0)
    assert heard == [("joined", ROOM, "Alice")]


# Polls that do not wait


def test_a_poll_counts_until_the_next_one_is_due(heard: list[Said], alice: User) -> None:
    for _ in range(2):
        record_visit(alice.pk, [ROOM, "post.9"])
    assert list(present(ROOM)) == [alice]
    TopicPresence.objects.update(gone_at=Now() - timedelta(seconds=1))
    settle_presence()
    assert heard == [("joined", ROOM, "Alice"), ("left", ROOM, "Alice")]


def test_a_person_who_polls_in_one_tab_stays_when_another_closes(
    hubs: tuple[str, str], heard: list[Said], alice: User
) -> None:
    hold("one", [pair(alice)])
    record_visit(alice.pk, [ROOM])
    assert TopicPresence.objects.get().gone_at is None
    release("one", [pair(alice)], 0)
    assert list(present(ROOM)) == [alice]
    assert heard == [("joined", ROOM, "Alice")]


def test_a_visitor_who_is_not_signed_in_is_nobody(db: None) -> None:
    record_visit(None, [ROOM])
    assert not TopicPresence.objects.exists()


def test_a_poll_under_wsgi_makes_its_person_present(alice: User, client_for: Callable[[User], Client]) -> None:
    assert client_for(alice).get(f"/live/poll/?topic={ROOM}&visible=0").status_code == 200
    assert list(present(ROOM)) == []
    assert client_for(alice).get(f"/live/poll/?topic={ROOM}").status_code == 200
    assert list(present(ROOM)) == [alice]


# Killed hubs


def test_nobody_is_present_through_a_killed_hub_and_each_leaves_once(
    hubs: tuple[str, str], heard: list[Said], alice: User, bob: User
) -> None:
    hold("one", [pair(alice), pair(bob)])
    hold("other", [pair(bob)])
    end_lease("one")
    assert list(present(ROOM)) == [bob]
    together([settle_presence] * 4)
    settle_presence()
    assert heard[2:] == [("left", ROOM, "Alice")]
    assert list(PresenceHub.objects.values_list("name", flat=True)) == ["other"]


def test_a_hub_that_renews_in_time_is_not_taken_for_dead(
    hubs: tuple[str, str], heard: list[Said], monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    """Check what follows an outage of the database, in which no hub could renew."""
    monkeypatch.setattr(topic_presence, "SUSPECT_SECONDS", 30.0)
    hold("one", [pair(alice)])
    end_lease("one")
    settle_presence()
    assert renew("one")
    settle_presence()
    assert topic_presence._suspected.keys() == set()
    assert list(present(ROOM)) == [alice]
    assert heard == [("joined", ROOM, "Alice")]


def test_a_forgotten_hub_may_hold_nobody(hubs: tuple[str, str], alice: User) -> None:
    end_lease("one")
    settle_presence()
    assert not renew("one")
    with pytest.raises(HubForgotten):
        hold("one", [pair(alice)])
    assert list(present(ROOM)) == []


def test_a_hub_that_still_holds_somebody_is_not_removed(hubs: tuple[str, str], alice: User) -> None:
    hold("one", [pair(alice)])
    for hub in hubs:
        unregister(hub)
    assert list(PresenceHub.objects.values_list("name", flat=True)) == ["one"]


# Cost


def test_a_crowd_takes_as_many_statements_as_one_person(hubs: tuple[str, str], alice: User) -> None:
    people = get_user_model().objects.bulk_create(User(username=f"guest{n}") for n in range(100))
    crowd = [(ROOM, person.pk) for person in people]
    assert queries_of(lambda: hold("one", crowd)) == queries_of(lambda: hold("other", [pair(alice)]))
    assert queries_of(lambda: renew("one")) == 1
    assert queries_of(settle_presence) == 2


def test_a_site_without_presence_asks_nothing(monkeypatch: pytest.MonkeyPatch, db: None, alice: User) -> None:
    monkeypatch.setattr(topics, "_with_presence", {})
    assert queries_of(settle_presence) == 0
    assert queries_of(lambda: record_visit(alice.pk, [ROOM])) == 0


# A hub


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
