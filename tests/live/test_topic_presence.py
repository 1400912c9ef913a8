"""The rows behind presence on topics: who holds whom, races between hubs, and what killed ones leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import joined, present
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
from tests.inbox.support import queries_of
from tests.live.cafe import ROOM, Said, cafe, end_lease, heard, hubs, pair
from tests.support.buffers import buffers_of
from tests.support.together import rolled_back, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

__all__ = ["cafe", "heard", "hubs"]


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
    assert not TopicPresence.objects.exists()


def test_deleting_a_person_waits_for_no_hub(hubs: tuple[str, str], alice: User) -> None:
    hold("one", [pair(alice)])
    with CaptureQueriesContext(connection) as queries:
        alice.delete()
    assert not [query["sql"] for query in queries if "presence" in query["sql"]]


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


def test_a_hub_may_be_registered_again_after_its_answer_was_lost(hubs: tuple[str, str], alice: User) -> None:
    end_lease("one")
    register("one")
    hold("one", [pair(alice)])
    assert list(present(ROOM)) == [alice]


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


@pytest.mark.postgres
def test_the_cost_does_not_grow_with_the_people_on_other_topics(hubs: tuple[str, str], alice: User) -> None:
    def costs() -> list[int]:
        with connection.cursor() as sql:
            sql.execute("ANALYZE notifications_hub_topicpresence, notifications_hub_presencehold")
        acts: list[Callable[[], object]] = [
            settle_presence,
            lambda: hold("one", [pair(alice)]),
            lambda: list(present(ROOM)),
            lambda: release("one", [pair(alice)], 60),
        ]
        return [buffers_of(act) for act in acts]

    few = costs()
    crowd = [
        TopicPresence(topic=f"cafe.t{number % 100}", person_id=-number, visit=uuid4()) for number in range(1, 20_001)
    ]
    rows = TopicPresence.objects.bulk_create(crowd)
    PresenceHold.objects.bulk_create(PresenceHold(presence=row, hub_id="other") for row in rows)
    many = costs()
    assert all(after < before + 30 for before, after in zip(few, many, strict=True)), (few, many)


def test_a_site_without_presence_asks_nothing(monkeypatch: pytest.MonkeyPatch, db: None, alice: User) -> None:
    monkeypatch.setattr(topics, "_with_presence", {})
    assert queries_of(settle_presence) == 0
    assert queries_of(lambda: record_visit(alice.pk, [ROOM])) == 0
