from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications_hub import broadcast
from notifications_hub.announcements.announce import withdraw
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.inbox.marks import Mark, mark, mark_all, undo
from notifications_hub.inbox.queries import counts, items
from notifications_hub.notification import Notification
from notifications_hub.streams.models import IDS_IN_AN_EVENT
from tests.inbox.support import ClientFor, events_of, ids, post, send_one
from tests.support.many_rows import copy_rows, numbers

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.both_databases

READ, ARCHIVE, UNDO = "notifications/read/", "notifications/archive/", "notifications/undo/"
INBOX, MARK = "/notifications/", "/notifications/mark/"
GONE = {"detail": "This can't be undone any more."}


def token_of(person: User, action: Mark, *rows: Notification) -> str:
    token = mark(person, action, [row.item_id for row in rows]).undo
    assert token is not None
    return token


def many(person: User, by: User, number: int) -> None:
    row = send_one(person, by)
    copy_rows(Notification.objects.filter(pk=row.pk), numbers(number - 1))


@pytest.mark.parametrize("name", ["read", "unread", "archive", "unarchive"])
def test_a_mark_answers_with_a_token_only_if_asked(alice: User, bob: User, client_for: ClientFor, name: str) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    marks = {"unread": Mark.READ, "unarchive": Mark.ARCHIVE}
    if name in marks:
        mark(alice, marks[name], [row.item_id])

    path = f"notifications/{name}/"
    answer = post(client, path, {"ids": [row.item_id], "undo": True}).json()
    assert answer.pop("changed") == 1
    assert isinstance(answer["undo"], str)
    assert post(client, path, {"all": True, "undo": True}).json() == {"changed": 0, "undo": None}
    assert post(client, path, {"all": True}).json() == {"changed": 0}


def test_undoing_a_reading_restores_exactly_what_it_changed(alice: User, bob: User, client_for: ClientFor) -> None:
    earlier, first, second = (send_one(alice, bob) for _ in range(3))
    announcement, client = broadcast(title="Maintenance at noon"), client_for(alice)
    mark(alice, Mark.READ, [earlier.item_id])
    answer = post(client, READ, {"all": True, "undo": True}).json()

    assert answer["changed"] == 3
    assert post(client, UNDO, {"undo": answer["undo"]}).json() == {"changed": 3}
    [event] = events_of(alice, "notification.unread")
    assert sorted(event["ids"]) == sorted([first.item_id, second.item_id, announcement.item_id])
    assert ids(items(alice, unread=False)) == [earlier.item_id]
    assert (counts(alice).unread, counts(alice).unseen) == (3, 0), "what was read once was seen"


def test_undoing_an_archiving_brings_whole_items_back(alice: User, bob: User, client_for: ClientFor) -> None:
    read, unread, archived = (send_one(alice, bob) for _ in range(3))
    mark(alice, Mark.READ, [read.item_id])
    mark(alice, Mark.ARCHIVE, [archived.item_id])
    client = client_for(alice)
    answer = post(client, ARCHIVE, {"ids": [read.item_id, unread.item_id, archived.item_id], "undo": True}).json()

    assert post(client, UNDO, {"undo": answer["undo"]}).json() == {"changed": 2}
    assert [event["id"] for event in events_of(alice, "notification.updated")] == [read.item_id, unread.item_id]
    assert ids(items(alice, archived=True)) == [archived.item_id]
    assert ids(items(alice, unread=True)) == [unread.item_id]


@pytest.mark.parametrize("action", [Mark.READ, Mark.ARCHIVE])
def test_undoing_twice_changes_nothing(alice: User, bob: User, action: Mark) -> None:
    token = token_of(alice, action, send_one(alice, bob))

    assert (undo(alice, token), undo(alice, token)) == (1, 0)


@pytest.mark.parametrize(("action", "opposite"), [(Mark.READ, Mark.UNREAD), (Mark.ARCHIVE, Mark.UNARCHIVE)])
def test_a_later_change_by_hand_is_kept(alice: User, bob: User, action: Mark, opposite: Mark) -> None:
    kept, changed = send_one(alice, bob), send_one(alice, bob)
    token = token_of(alice, action, kept, changed)
    mark(alice, opposite, [changed.item_id])
    mark(alice, action, [changed.item_id])

    assert undo(alice, token) == 1
    done = Notification.objects.filter(unread=False) | Notification.objects.filter(archived_at__isnull=False)
    assert [row.pk for row in done] == [changed.pk]


def test_a_withdrawn_announcement_stays_away(alice: User) -> None:
    announcement = broadcast(title="Maintenance at noon")
    token = mark_all(alice, Mark.ARCHIVE).undo
    withdraw(announcement)

    assert token is not None
    assert undo(alice, token) == 0


def test_a_cancelled_push_stays_cancelled(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address="7")])
    undo(alice, token_of(alice, Mark.READ, row))

    assert Delivery.objects.get(notification=row).state == DeliveryState.CANCELLED


def test_another_persons_token_is_refused(alice: User, bob: User, charlie: User, client_for: ClientFor) -> None:
    token = token_of(alice, Mark.READ, send_one(alice, bob))
    answer = post(client_for(charlie), UNDO, {"undo": token})

    assert (answer.status_code, answer.json()) == (400, GONE)
    assert counts(alice).unread == 0


def test_a_token_expires_after_an_hour(alice: User, bob: User, client_for: ClientFor) -> None:
    with time_machine.travel("2026-11-28T12:00:00Z", tick=False):
        token = token_of(alice, Mark.READ, send_one(alice, bob))
    with time_machine.travel("2026-11-28T13:00:01Z", tick=False):
        assert post(client_for(alice), UNDO, {"undo": token}).json() == GONE
    with time_machine.travel("2026-11-28T12:59:59Z", tick=False):
        assert post(client_for(alice), UNDO, {"undo": token}).json() == {"changed": 1}


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: f"x{token}", lambda token: "", str.upper])
def test_a_tampered_token_is_refused(alice: User, bob: User, client_for: ClientFor, change: Any) -> None:
    token = token_of(alice, Mark.READ, send_one(alice, bob))
    answer = post(client_for(alice), UNDO, {"undo": change(token)})

    assert (answer.status_code, answer.json()) == (400, GONE)


@pytest.mark.parametrize("body", [{}, {"undo": None}, {"undo": True}, {"undo": "x" * 60_001}, {"undo": "x", "ids": []}])
def test_a_malformed_undo_is_rejected_with_an_explanation(alice: User, client_for: ClientFor, body: object) -> None:
    answer = post(client_for(alice), UNDO, body)

    assert answer.status_code == 400
    assert answer.json() != GONE


@pytest.mark.parametrize("action", [Mark.READ, Mark.ARCHIVE])
def test_one_mark_of_many_chunks_is_undone_whole(alice: User, bob: User, action: Mark) -> None:
    many(alice, bob, IDS_IN_AN_EVENT + 20)
    token = mark_all(alice, action).undo

    assert token is not None
    assert undo(alice, token) == IDS_IN_AN_EVENT + 20
    assert Notification.objects.unread().filter(archived_at=None).count() == IDS_IN_AN_EVENT + 20


@pytest.mark.parametrize(("action", "index"), [(Mark.READ, "hub_read"), (Mark.ARCHIVE, "hub_archived")])
def test_undoing_reads_only_the_rows_it_changes(alice: User, bob: User, action: Mark, index: str) -> None:
    many(alice, bob, 3000)
    mark_all(alice, action)
    token = token_of(alice, action, send_one(alice, bob))
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    with CaptureQueriesContext(connection) as made:
        assert undo(alice, token) == 1
    [find] = [query["sql"] for query in made if f"{action}" in query["sql"] and "FOR " not in query["sql"]][:1]
    with connection.cursor() as sql:
        sql.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN'} {find}")
        plan = str(sql.fetchall())

    assert index in plan, plan


def test_the_inbox_offers_to_undo_the_mark_that_led_to_it(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    onward = client.post(MARK, {"action": "archive", "ids": row.item_id, "next": f"{INBOX}?show=unread&undo=x"})
    context = client.get(onward["Location"]).context

    assert onward["Location"].startswith(f"{INBOX}?show=unread&undo=")
    assert (context["done"]["text"], context["here"]) == ("Archived 1 notification.", f"{INBOX}?show=unread")
    undone = client.post(MARK, {"undo": context["done"]["token"], "next": context["here"]})
    assert undone["Location"] == f"{INBOX}?show=unread"
    assert ids(items(alice)) == [row.item_id]


def test_without_javascript_an_undo_of_what_was_changed_since_says_so(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    token = token_of(alice, Mark.ARCHIVE, row)
    mark(alice, Mark.UNARCHIVE, [row.item_id])

    undone = client.post(MARK, {"undo": token, "next": INBOX}, follow=True)
    assert GONE["detail"] in [str(message) for message in undone.context["messages"]]


def test_the_archive_offers_to_undo_what_moved_back_to_the_inbox(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    client.post(MARK, {"action": "archive", "ids": row.item_id})
    page = client.post(MARK, {"action": "unarchive", "all": "1", "next": f"{INBOX}?show=archived"}, follow=True)
    done = page.context["done"]

    assert done["text"] == "Moved 1 notification back to the inbox."
    client.post(MARK, {"undo": done["token"]})
    assert ids(items(alice, archived=True)) == [row.item_id]
    again = client.post(MARK, {"action": "unarchive", "ids": "987654", "next": INBOX}, follow=True)
    assert "Nothing changed." in str(next(iter(again.context["messages"])))


@pytest.mark.parametrize("token", ["", "x", "another"])
def test_the_inbox_ignores_a_token_that_undoes_nothing_of_the_person(
    alice: User, bob: User, charlie: User, client_for: ClientFor, token: str
) -> None:
    if token == "another":
        token = token_of(alice, Mark.READ, send_one(alice, bob))
    client = client_for(charlie)

    assert client.get(INBOX, {"undo": token}).context["done"] is None
    refused = client.post(MARK, {"undo": token, "next": "//evil.example"}, follow=True)
    assert refused.redirect_chain == [(INBOX, 302)]
    assert [str(message) for message in refused.context["messages"]] == [GONE["detail"]]
    assert counts(alice).unread == 0
