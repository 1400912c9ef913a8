"""The cost of a look at announcements: those that a person has, or that are over, cost nothing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce, personal_rows
from notifications_hub.announcements.models import Announcement, RowsThrough
from notifications_hub.inbox import queries
from notifications_hub.models import Notification
from notifications_hub.streams.sweeper import sweep
from tests.support.many_rows import copy_rows, numbers

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

UNIQUE = {"postgresql": "gen_random_uuid()", "sqlite": "lower(hex(randomblob(16)))"}


def titles(person: User) -> list[str]:
    return [item.message.title for item in queries.items(person, limit=100).items]


def through(person: User) -> dict[str, int]:
    return dict(RowsThrough.objects.filter(person=person).values_list("audience", "seq"))


def statements_of_a_look(person: User) -> list[str]:
    """Return the statements that make the person's rows on a new request."""
    visitor = User.objects.get(pk=person.pk)
    with CaptureQueriesContext(connection) as made:
        personal_rows.make_rows(visitor)
    return [query["sql"] for query in made]


def over_and_withdrawn(count: int) -> None:
    """Store announcements that are no longer current."""
    now = timezone.now()
    two = [
        Announcement.objects.create(
            title="Over",
            announced_at=now,
            starts_at=now - timedelta(days=2),
            ends_at=now + timedelta(days=days),
            withdrawn_at=now,
            seq=seq,
        ).pk
        for seq, days in ((1, -1), (2, 1))
    ]
    rows = Announcement.objects.filter(pk__in=two)
    copy_rows(rows, numbers(count // 2 - 1), submission=UNIQUE[connection.vendor], seq="copied.seq + 2 * numbers.n")


@pytest.mark.django_db(transaction=True)
def test_a_look_with_nothing_new_costs_one_statement(alice: User) -> None:
    for number in range(3):
        broadcast(title=f"Hello {number}")
    announce.record_numbers()
    personal_rows.make_rows(alice)

    groups, news = statements_of_a_look(alice)
    assert "groups" in groups
    assert news.split()[0] == "SELECT"


@pytest.mark.django_db(transaction=True)
def test_a_first_look_costs_as_much_for_thirty_as_for_one(alice: User, bob: User) -> None:
    broadcast(title="Hello")
    announce.record_numbers()
    one = statements_of_a_look(alice)
    for number in range(29):
        broadcast(title=f"Hello {number}")
    announce.record_numbers()

    assert len(statements_of_a_look(bob)) == len(one) <= 7
    assert Notification.objects.filter(recipient=bob).count() == 30
    assert through(bob) == {"everyone": 30}


def test_a_person_looks_up_their_audiences_once(alice: User) -> None:
    broadcast(title="Hello")
    with CaptureQueriesContext(connection) as made:
        personal_rows.make_rows(alice)
        assert personal_rows.running_for(alice).exists()

    assert len([query for query in made if "groups" in query["sql"]]) == 1


@pytest.mark.parametrize("looks", ["first", "later"])
def test_a_look_reads_no_announcement_that_is_over(alice: User, looks: str) -> None:
    over_and_withdrawn(3000)
    for number in range(10):
        broadcast(title=f"Hello {number}")
    Announcement.objects.filter(withdrawn_at=None).update(seq=5000)
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    if looks == "later":
        personal_rows.make_rows(alice)

    [news] = [one for one in statements_of_a_look(alice) if "ends_at >" in one]
    assert_reads_little(news, buffers=60 if looks == "first" else 20)


def assert_reads_little(statement: str, *, buffers: int) -> None:
    with connection.cursor() as sql:
        if connection.vendor == "postgresql":
            sql.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
            plan = sql.fetchone()[0][0]["Plan"]
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= buffers, plan
            text = str(plan)
        else:
            sql.execute(f"EXPLAIN QUERY PLAN {statement}")
            text = str(sql.fetchall())
    # SQLite may prefer the other index of announcements that were not withdrawn.
    assert "hub_announcement_current" in text or "hub_announcement_ends" in text, text


@pytest.mark.parametrize("what", ["due", "over"])
def test_each_second_reads_no_announcement_that_is_over(what: str) -> None:
    over_and_withdrawn(3000)
    rows = Announcement.objects.over() if what == "over" else Announcement.objects.due()
    plan = rows.order_by().values_list("pk").explain()

    assert "hub_announcement_ends" in plan or "hub_announcement_current" in plan, plan


# Numbers


def test_an_announcement_without_a_number_gets_its_row_and_moves_no_number(alice: User) -> None:
    first = broadcast(title="First")
    Announcement.objects.filter(pk=first.pk).update(seq=7)
    broadcast(title="No number yet")

    assert titles(alice) == ["No number yet", "First"]
    assert through(alice) == {"everyone": 7}
    assert personal_rows.without_row(alice) == []


def test_a_number_that_is_recorded_late_hides_nothing(alice: User) -> None:
    early, late = broadcast(title="Early"), broadcast(title="Late")
    Announcement.objects.filter(pk=late.pk).update(seq=9)
    assert titles(alice) == ["Late", "Early"]
    Announcement.objects.filter(pk=early.pk).update(seq=8)
    Announcement.objects.filter(pk=broadcast(title="New").pk).update(seq=10)

    assert titles(alice) == ["New", "Late", "Early"]
    assert through(alice) == {"everyone": 10}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_announcement_that_commits_after_a_look_is_seen_by_the_next(alice: User) -> None:
    broadcast_slow, looked = threading.Event(), threading.Event()

    def announce_slowly() -> None:
        try:
            with transaction.atomic():
                broadcast(title="Slow")
                broadcast_slow.set()
                looked.wait(20)
        finally:
            connections.close_all()

    slow = threading.Thread(target=announce_slowly)
    slow.start()
    broadcast_slow.wait(20)
    broadcast(title="Quick")
    announce.record_numbers()
    assert titles(alice) == ["Quick"]
    looked.set()
    slow.join()
    announce.record_numbers()

    assert sorted(titles(alice)) == ["Quick", "Slow"]
    assert through(alice) == {"everyone": 2}


def test_each_audience_has_its_own_number(alice: User) -> None:
    group = Group.objects.create(name="Readers")
    for title, audience, seq in (("All", "everyone", 50), ("Readers", f"group.{group.pk}", 1)):
        Announcement.objects.filter(pk=broadcast(title=title, audience=audience).pk).update(seq=seq)
    assert titles(alice) == ["All"]

    alice.groups.add(group)
    assert titles(User.objects.get(pk=alice.pk)) == ["Readers", "All"]
    assert through(alice) == {"everyone": 50, f"group.{group.pk}": 1}


def test_people_who_rejoin_an_audience_get_what_they_missed(alice: User) -> None:
    group = Group.objects.create(name="Readers")
    alice.groups.add(group)
    audience = f"group.{group.pk}"
    Announcement.objects.filter(pk=broadcast(title="Before", audience=audience).pk).update(seq=1)
    assert titles(User.objects.get(pk=alice.pk)) == ["Before"]

    alice.groups.remove(group)
    Announcement.objects.filter(pk=broadcast(title="Meanwhile", audience=audience).pk).update(seq=2)
    assert titles(User.objects.get(pk=alice.pk)) == []
    alice.groups.add(group)
    assert titles(User.objects.get(pk=alice.pk)) == ["Meanwhile", "Before"]


def test_a_later_end_brings_an_announcement_back(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        extended = broadcast(title="Today", ends_at=NOON + timedelta(hours=1))
        broadcast(title="Tomorrow")
        announce.record_numbers()
        clock.shift(timedelta(hours=1))
        assert titles(alice) == ["Tomorrow"]

        extended.ends_at = NOON + timedelta(hours=2)
        extended.save()
        assert sorted(titles(alice)) == ["Today", "Tomorrow"]


def test_a_planned_announcement_appears_once_it_has_started(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        broadcast(title="Later", starts_at=NOON + timedelta(hours=1))
        broadcast(title="Now")
        sweep()
        assert titles(alice) == ["Now"]
        clock.shift(timedelta(hours=1))
        sweep()
        assert titles(alice) == ["Later", "Now"]


@pytest.mark.django_db(transaction=True)
def test_a_row_that_was_deleted_is_not_made_again(alice: User) -> None:
    broadcast(title="Hello")
    announce.record_numbers()
    titles(alice)
    Notification.objects.filter(recipient=alice).delete()

    assert titles(alice) == []
    assert queries.counts(alice).unread == 0
