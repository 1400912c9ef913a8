"""`INBOX_LIMIT` removes the oldest notifications that a person is done with, and costs idle inboxes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.db.models.signals import pre_delete
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from accounts.models import User
from notifications_hub import broadcast, inbox_limit, streams
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.checks import check_settings
from notifications_hub.inbox_limit import InboxWalk, limit_inboxes, trim
from notifications_hub.models import Notification
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Stream, inbox_topic
from notifications_hub.streams.sweeper import Isolation

pytestmark = [pytest.mark.both_databases(short="sqlite"), pytest.mark.django_db]

LIMIT = 30
"""The limit here, to need few rows. `check_settings` accepts none below `SMALLEST`."""
SMALLEST = 100


@pytest.fixture(autouse=True)
def limited(settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "INBOX_LIMIT": LIMIT}


def fill(person: User, by: User, count: int) -> list[int]:
    for number in range(count):
        notify.send(by, recipient=person, verb=f"replied {number}")
    return list(Notification.objects.filter(recipient=person).order_by("pk").values_list("pk", flat=True))[-count:]


def kept(person: User) -> set[int]:
    return set(Notification.objects.filter(recipient=person).values_list("pk", flat=True))


def turn() -> None:
    InboxWalk.objects.update(turned_at=datetime.now(UTC) - timedelta(minutes=1))
    limit_inboxes()


def test_the_oldest_that_a_person_is_done_with_go_and_nothing_else(alice: User, bob: User) -> None:
    limit_inboxes()
    broadcast(title="Hello")
    make_rows(alice)
    pks = fill(alice, bob, LIMIT + 12)
    others = fill(bob, alice, 10)
    own = Notification.objects.filter(recipient=alice)
    own.mark_all_as_read()
    own.filter(pk=pks[0]).mark_all_as_unread()
    own.filter(pk=pks[1]).update(saved_at=datetime.now(UTC))
    own.filter(pk=pks[2]).update(snoozed_until=datetime.now(UTC), archived_at=datetime.now(UTC))
    own.filter(pk=pks[3]).update(must_acknowledge=True)
    own.filter(pk=pks[4]).update(must_acknowledge=True, acknowledged_at=datetime.now(UTC))
    own.filter(pk=pks[5]).update(unread=True, archived_at=datetime.now(UTC))
    announced = kept(alice) - set(pks)

    turn()

    assert kept(alice) == announced | {*pks[:4], *pks[12:]}
    assert kept(bob) - announced >= set(others)
    # Pages hear of it, and the topic has no gap.
    streams.number([inbox_topic(alice.pk)])
    topic = Stream.objects.get(topic=inbox_topic(alice.pk))
    [read] = streams.read({topic.topic: Position(topic.epoch, 0, 0)})
    assert [event.seq for event in read.events] == [*range(1, topic.top + 1)]
    assert read.events[-1].kind == "notification.deleted"
    assert [event.kind for event in read.events].count("tombstone") >= 8


def test_an_inbox_at_its_limit_and_one_that_gets_nothing_are_left_alone(alice: User, bob: User) -> None:
    fill(alice, bob, LIMIT + 5)
    fill(bob, alice, LIMIT)
    Notification.objects.mark_all_as_read()
    limit_inboxes()
    before = kept(alice) | kept(bob)
    turn()
    assert kept(alice) | kept(bob) == before
    assert (trim(bob.pk, LIMIT), trim(alice.pk, LIMIT)) == (0, 5)


def test_a_long_inbox_becomes_short_in_bounded_steps(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_limit, "ROWS", 7)
    fill(alice, bob, LIMIT + 20)
    Notification.objects.mark_all_as_read()
    assert [trim(alice.pk, LIMIT) for _ in range(4)] == [7, 7, 6, 0]


def test_unread_ones_just_beyond_the_limit_keep_no_older_one_for_ever(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_limit, "LOOKED_AT", 5)
    pks = fill(alice, bob, LIMIT + 40)
    Notification.objects.filter(pk__in=pks[:30]).mark_all_as_read()
    for _ in range(500):
        trim(alice.pk, LIMIT)
        if len(kept(alice)) == LIMIT + 10:
            break
    assert kept(alice) == {*pks[30:]}


def test_what_is_saved_meanwhile_stays(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    [first, *_others] = fill(alice, bob, LIMIT + 2)
    Notification.objects.mark_all_as_read()
    removable = inbox_limit._removable

    def _saves(keys: list[int]) -> Any:
        Notification.objects.filter(pk=first).update(saved_at=datetime.now(UTC))
        return removable(keys)

    monkeypatch.setattr(inbox_limit, "_removable", _saves)
    assert trim(alice.pk, LIMIT) == 1
    assert first in kept(alice)


def test_an_inbox_that_fails_keeps_no_other_from_its_turn(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_limit, "_isolation", Isolation(longest=60.0))
    limit_inboxes()
    fill(alice, bob, LIMIT + 5)
    fill(bob, alice, LIMIT + 5)
    Notification.objects.mark_all_as_read()

    def _forbid(sender: object, instance: Notification, **kwargs: Any) -> None:
        if instance.recipient_id == alice.pk:
            raise ProtectedError("a host keeps this", {instance})

    pre_delete.connect(_forbid, sender=Notification)
    try:
        turn()
    finally:
        pre_delete.disconnect(_forbid, sender=Notification)
    assert (len(kept(alice)), len(kept(bob))) == (LIMIT + 5, LIMIT)
    assert InboxWalk.objects.get().through == max(kept(alice) | kept(bob))


def test_a_look_locks_rows_in_the_order_of_a_persons_own_changes(alice: User, bob: User) -> None:
    fill(alice, bob, LIMIT + 2)
    Notification.objects.mark_all_as_read()
    locked = inbox_limit._removable([*kept(alice)])
    assert locked.query.order_by == ("pk",)


def test_without_a_limit_and_between_turns_it_asks_almost_nothing(settings: Any, alice: User, bob: User) -> None:
    limit_inboxes()
    fill(alice, bob, 3)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        limit_inboxes()
    assert len(asked) == 1
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "INBOX_LIMIT": 0}
    with CaptureQueriesContext(connection) as asked:
        limit_inboxes()
    assert len(asked) == 0


@pytest.mark.both_databases
def test_a_look_reads_an_index_in_its_order(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    # All are unread, so it also looks elsewhere.
    monkeypatch.setattr(inbox_limit, "LOOKED_AT", 5)
    fill(alice, bob, SMALLEST + 20)
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
        if connection.vendor == "postgresql":
            sql.execute("SET LOCAL enable_seqscan = off")
            sql.execute("SET LOCAL enable_sort = off")
    with CaptureQueriesContext(connection) as asked:
        trim(alice.pk, SMALLEST)
    looks = [one["sql"] for one in asked if "timestamp" in one["sql"] and "ORDER BY" in one["sql"]]
    looks = [one for one in looks if one.startswith("SELECT") and "FOR UPDATE" not in one]
    looks = [one for one in looks if " IN (" not in one]
    assert len(looks) == 4
    for look in looks:
        with connection.cursor() as sql:
            sql.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + look)
            plan = str(sql.fetchall())
        assert "hub_inbox" in plan, plan
        assert "Sort" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan


@pytest.mark.parametrize(("limit", "errors"), [(0, 0), (SMALLEST, 0), (SMALLEST - 1, 1), (-1, 1)])
def test_a_limit_that_is_too_small_is_an_error(settings: Any, limit: int, errors: int) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "INBOX_LIMIT": limit}
    assert [one.id for one in check_settings(None)] == ["notifications_hub.E086"] * errors
