"""The admin's lists cover the newest rows, count up to a limit, and say so. A search finds one person's rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from notifications.signals import notify

from accounts.models import User
from notifications_hub import admin_lists, broadcast
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.jobs.models import Job
from notifications_hub.models import Notification, PushSubscription
from notifications_hub.streams.models import Stream

if TYPE_CHECKING:
    ClientFor = Callable[[User], Client]
    List = Callable[[str], Any]

ADMIN = "/admin/notifications_hub/"

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]


@pytest.fixture
def listed(client_for: ClientFor, admin: User) -> List:
    """Return the answer of a list's page."""
    client = client_for(admin)
    return lambda path: client.get(ADMIN + path)


def notified(person: User, by: User, times: int) -> list[int]:
    """Notify a person, and return the ids of all their notifications, newest first."""
    for number in range(times):
        notify.send(by, recipient=person, verb=f"replied {number}")
    return list(Notification.objects.filter(recipient=person).order_by("-pk").values_list("pk", flat=True))


def keys(answer: Any) -> list[Any]:
    return [row.pk for row in answer.context["cl"].result_list]


@pytest.mark.parametrize("query", ["", "?unread__exact=1", "?o=3", "?o=7", "?kind=default"])
def test_a_list_and_its_filters_cover_the_newest_rows(
    listed: List, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(admin_lists, "LISTED", 3)
    newest = notified(alice, bob, 5)[:3]

    assert sorted(keys(listed(f"notification/{query}")), reverse=True) == newest


def test_a_search_finds_older_rows_of_a_person(
    listed: List, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_lists, "LISTED", 2)
    monkeypatch.setattr(admin_lists, "FOUND", 3)
    older = notified(alice, bob, 5)
    notified(bob, alice, 3)

    assert keys(listed("notification/?q=alice")) == older[:3]
    assert keys(listed("notification/?q=alice&unread__exact=0")) == []


@pytest.mark.parametrize("term", ["alice", " alice ", "{pk}"])
@pytest.mark.parametrize("model", ["notification", "delivery", "pushsubscription", "job"])
def test_a_person_is_found_by_sign_in_name_and_by_id(
    listed: List, alice: User, bob: User, model: str, term: str
) -> None:
    for person in (alice, bob):
        PushSubscription.objects.create(owner=person, endpoint=person.username, endpoint_hash=person.username)
        Job.objects.create(owner=person, title=person.username, task="write", due_at=datetime.now(UTC))
        [pk] = notified(person, alice, 1)
        arming.arm([Plan(notification_pk=pk, transport="web_push", address="7")])

    answer = listed(f"{model}/?q={term.format(pk=alice.pk)}")
    assert len(keys(answer)) == 1
    assert "Alice" in answer.content.decode()


@pytest.mark.parametrize("term", ["ali", "charlie", "99999999999999999999999", "alice%20bob", "%25"])
def test_a_search_for_anything_else_finds_nothing(listed: List, alice: User, bob: User, term: str) -> None:
    notified(alice, bob, 1)

    assert keys(listed(f"notification/?q={term}")) == []


def test_the_page_says_what_a_search_covers(listed: List) -> None:
    text = listed("notification/").content.decode()

    assert "exact sign-in name or id, to see their newest 500" in text
    assert "cover the newest 10,000" in text


def test_counts_stop_at_a_limit_and_the_page_says_so(
    listed: List, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_lists, "COUNTED", 3)
    notified(alice, bob, 3)
    assert "There are more than" not in listed("notification/").content.decode()

    notified(alice, bob, 1)
    answer = listed("notification/")
    assert answer.context["cl"].result_count == 3
    assert "There are more than 3, and only these are listed." in answer.content.decode()


def test_topics_are_found_by_their_beginning(listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_lists, "LISTED", 1)
    wanted = [Stream.objects.create(topic=topic).pk for topic in ("post.1", "post.12")]
    Stream.objects.create(topic="room.1")

    assert sorted(keys(listed("stream/?q=post.1"))) == wanted
    assert len(keys(listed("stream/"))) == 1


def test_jobs_are_listed_by_the_time_they_were_made(listed: List, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_lists, "LISTED", 2)
    jobs = [Job.objects.create(owner=alice, title=f"Job {number}", task="write") for number in range(3)]
    for number, job in enumerate(jobs):
        Job.objects.filter(pk=job.pk).update(created=datetime.now(UTC) - timedelta(days=number))

    assert keys(listed("job/")) == [jobs[0].pk, jobs[1].pk]


def test_the_readers_of_an_announcement_are_counted_up_to_a_limit(
    listed: List, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications_hub.announcements.admin_pages.list_page.COUNTED", 1)
    announcement = broadcast(title="Closed on Sunday")

    def read_by(person: User) -> str:
        make_rows(person)
        Notification.objects.filter(recipient=person).mark_all_as_read()
        page: str = listed("announcement/").content.decode()
        return page.partition('class="field-read_by">')[2].partition("<")[0]

    assert [read_by(alice), read_by(bob)] == ["1", "1+"]
    page = listed(f"announcement/{announcement.pk}/withdraw/").content.decode()
    assert "Read by more than 1 people so far." in page
