"""An announcement appears in an inbox when its owner opens it: once, silently, and only for its audience."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import translation

from accounts.models import User
from notifications_hub import broadcast, streams
from notifications_hub.announcements import announce, personal_rows
from notifications_hub.announcements.models import AnnouncementTranslation
from notifications_hub.inbox import queries
from notifications_hub.models import Notification
from tests.announcements.support import log_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]


def titles(person: User) -> list[str]:
    """Return the titles in a person's inbox, newest first."""
    return [item.message.title for item in queries.items(person).items]


def reloaded(person: User) -> User:
    """Return the person as the next request reads them: an object keeps the audiences that it looked up."""
    return User.objects.get(pk=person.pk)


def test_an_announcement_appears_when_a_person_opens_the_inbox(alice: User, bob: User) -> None:
    broadcast(title="Hello")

    assert titles(alice) == titles(bob) == ["Hello"]
    assert queries.counts(alice).unread == 1


def test_counting_writes_nothing(alice: User) -> None:
    broadcast(title="Hello")

    assert queries.counts(alice).unread == 1
    assert not Notification.objects.exists()


def test_opening_again_creates_no_second_row_and_no_event(alice: User) -> None:
    broadcast(title="Hello")
    personal_rows.make_rows(alice)
    personal_rows.make_rows(alice)

    assert Notification.objects.filter(recipient=alice).count() == 1
    assert log_of(streams.inbox_topic(alice.pk)) == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_open_at_once_create_one_row(alice: User) -> None:
    broadcast(title="Hello")
    start = threading.Barrier(4)

    def look() -> None:
        start.wait()
        try:
            personal_rows.make_rows(alice)
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=look) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()

    assert Notification.objects.filter(recipient=alice).count() == 1


def test_charlie_who_is_not_in_the_audience_sees_nothing(alice: User, charlie: User) -> None:
    group = Group.objects.create(name="Readers")
    alice.groups.add(group)
    broadcast(title="For readers", audience=f"group.{group.pk}")
    broadcast(title="For staff", audience="staff")

    assert titles(alice) == ["For readers"]
    assert titles(charlie) == []
    assert queries.counts(charlie).unread == 0
    assert not Notification.objects.filter(recipient=charlie).exists()


def test_people_who_join_later_see_it_and_people_who_leave_do_not(alice: User) -> None:
    group = Group.objects.create(name="Readers")
    broadcast(title="For readers", audience=f"group.{group.pk}")
    assert titles(alice) == []

    alice.groups.add(group)
    assert titles(reloaded(alice)) == ["For readers"]

    alice.groups.remove(group)
    assert titles(reloaded(alice)) == []
    assert queries.counts(reloaded(alice)).unread == 0


def test_an_edit_reaches_people_who_already_have_it(alice: User) -> None:
    announcement = broadcast(title="Clsoed")
    assert titles(alice) == ["Clsoed"]

    announcement.title = "Closed"
    announcement.save()

    assert titles(alice) == ["Closed"]


def test_an_ended_or_withdrawn_announcement_is_gone_from_the_inbox(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        broadcast(title="Today only", ends_at=NOON + timedelta(hours=1))
        withdrawn = broadcast(title="Oops")
        assert len(titles(alice)) == 2

        announce.withdraw(withdrawn)
        assert titles(alice) == ["Today only"]
        clock.shift(timedelta(hours=1))
        assert titles(alice) == []
        assert queries.counts(alice).unread == 0


def test_a_planned_announcement_is_not_in_the_inbox(alice: User) -> None:
    broadcast(title="Later", starts_at=datetime.now(UTC) + timedelta(hours=1))

    assert titles(alice) == []
    assert queries.counts(alice).unread == 0


def test_an_announcement_keeps_its_id_and_position_when_it_gets_a_row(alice: User) -> None:
    announcement = broadcast(title="Hello")
    [row] = queries.items(alice).rows

    announcement.refresh_from_db()
    assert row.item_id == announcement.item_id == f"a{announcement.pk}"
    assert row.timestamp == announcement.announced_at


@pytest.mark.parametrize(
    ("language", "title"), [("zh-hans", "闭馆"), ("en", "Closed"), ("de", "Zu"), ("de-at", "Zu"), ("fr", "Closed")]
)
def test_each_person_reads_it_in_their_language_where_it_was_translated(alice: User, language: str, title: str) -> None:
    announcement = broadcast(title="Closed")
    for code, words in (("zh-hans", "闭馆"), ("de", "Zu")):
        AnnouncementTranslation.objects.create(announcement=announcement, language=code, title=words)

    with translation.override(language):
        assert titles(alice) == [title]
