"""Deleted and withdrawn data is in no log: its earlier events become tombstones, and the numbers stay gapless."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from notifications.signals import notify

from accounts.models import User
from notifications_hub import broadcast, publish, streams
from notifications_hub.announcements import announce, personal_rows
from notifications_hub.announcements.models import Announcement
from notifications_hub.models import Notification
from notifications_hub.rows import trigger_notes, triggers
from notifications_hub.streams import LoggedEvent, inbox_topic, sequencer
from notifications_hub.streams.cursor import Position, encode
from notifications_hub.streams.models import TOMBSTONE, Event, NewEvent, item_key
from notifications_hub.streams.numberer import Numberer
from showcase.models import Post, Reply
from tests.rows.board.models import Note, Sign, Thread
from tests.support.log import holes, unnumbered
from tests.support.together import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

SECRET = "the password is swordfish"


@pytest.fixture
def tea() -> Thread:
    return Thread.objects.create(title="Tea")


@pytest.fixture
def since() -> Callable[[str], Callable[[], list[LoggedEvent]]]:
    """Return a reader of a topic's events from now on, like a client with a cursor of this moment."""

    def since(topic: str) -> Callable[[], list[LoggedEvent]]:
        streams.append(topic, "test.begins", {})
        [now] = streams.read({topic: None})
        return lambda: list(_everything_after(topic, now.position))

    return since


def _everything_after(topic: str, position: Position) -> Iterator[LoggedEvent]:
    more = True
    while more:
        [reading] = streams.read({topic: position})
        assert not reading.reset
        yield from reading.events
        position, more = reading.position, reading.more


def kinds(events: list[LoggedEvent]) -> list[str]:
    return [event.kind for event in events]


def words_in_the_log() -> list[str]:
    return [event.topic for event in Event.objects.all() if SECRET in json.dumps(event.data)]


Since = Callable[[str], Callable[[], list[LoggedEvent]]]


# Rows


def test_a_deleted_row_is_in_no_log(tea: Thread, since: Since) -> None:
    read = since(f"thread.{tea.pk}")
    note = Note.objects.create(thread=tea, body=SECRET)
    note.body = f"{SECRET}!"
    note.save()
    kept = Note.objects.create(thread=tea, body="Green")
    note.delete()

    assert words_in_the_log() == []
    events = read()
    assert kinds(events) == [TOMBSTONE, TOMBSTONE, "note.created", "note.deleted"]
    assert [json.loads(event.data) for event in events[:2]] == [{}, {}]
    assert json.loads(events[2].data)["id"] == str(kept.pk)
    assert holes() == []


def test_rows_deleted_by_a_query_or_a_cascade_are_in_no_log(tea: Thread) -> None:
    other = Thread.objects.create(title="Coffee")
    Note.objects.bulk_create(Note(thread=thread, body=SECRET) for thread in (tea, tea, other))
    Note.objects.filter(thread=tea).delete()
    assert set(words_in_the_log()) == {f"thread.{other.pk}", "moderators"}
    other.delete()

    assert words_in_the_log() == []


def test_a_moved_row_is_only_in_the_log_of_its_new_topic(tea: Thread) -> None:
    coffee = Thread.objects.create(title="Coffee")
    note = Note.objects.create(thread=tea, body=SECRET)
    note.thread = coffee
    note.save()
    assert set(words_in_the_log()) == {f"thread.{coffee.pk}", "moderators"}
    Note.objects.update(hidden=True)

    assert words_in_the_log() == ["moderators"]


def test_a_row_that_returned_keeps_its_data(tea: Thread, since: Since) -> None:
    read = since(f"thread.{tea.pk}")
    with transaction.atomic():
        note = Note.objects.create(thread=tea, body=SECRET)
        for hidden in (True, False):
            note.hidden = hidden
            note.save()

    assert kinds(read()) == [TOMBSTONE, "note.deleted", "note.created"]
    assert json.loads(read()[2].data)["body"] == SECRET


def test_a_row_of_another_model_with_the_same_key_keeps_its_data(tea: Thread) -> None:
    note = Note.objects.create(thread=tea, body="Green")
    Sign.objects.create(pk=note.pk, text=SECRET)
    note.delete()

    assert words_in_the_log() == ["signs"]


@pytest.mark.postgres
def test_a_row_deleted_by_raw_sql_is_in_no_log_with_triggers(tea: Thread, settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": ["board.Note"]}
    triggers.install(Note)
    try:
        Note.objects.create(thread=tea, body=SECRET)
        trigger_notes.schedule_waiting_notes()
        assert words_in_the_log()
        with connection.cursor() as sql:
            sql.execute(f"DELETE FROM {Note._meta.db_table}")
        trigger_notes.schedule_waiting_notes()
    finally:
        triggers.remove("board.note")

    assert words_in_the_log() == []


# Announcements


def test_a_withdrawn_announcement_is_in_no_log(since: Since) -> None:
    read = since("everyone")
    announcement = broadcast(title="Closed", body=SECRET)
    assert words_in_the_log()
    announce.withdraw(announcement)

    assert words_in_the_log() == []
    assert kinds(read()) == [TOMBSTONE, "announcement.withdrawn"]


def test_an_expired_announcement_is_in_no_log() -> None:
    announcement = broadcast(title="Closed", body=SECRET)
    Announcement.objects.filter(pk=announcement.pk).update(ends_at=timezone.now() - timedelta(seconds=1))
    announce.retire_ended()

    assert words_in_the_log() == []


def test_a_deleted_announcement_is_withdrawn_from_pages_and_is_in_no_log(since: Since, alice: User) -> None:
    read = since("everyone")
    announcement = broadcast(title="Closed", body=SECRET)
    personal_rows.make_rows(alice)
    read_inbox = since(inbox_topic(alice.pk))
    announcement.delete()

    assert words_in_the_log() == []
    assert kinds(read()) == [TOMBSTONE, "announcement.withdrawn"]
    assert read_inbox() == [], "one event for the whole audience, and none for each person"


def test_an_edit_replaces_the_old_words_in_the_log_for_returning_clients(since: Since) -> None:
    read = since("everyone")
    announcement = broadcast(title="Closed", body=SECRET)
    for body in (f"{SECRET}?", "On Sunday"):
        announcement.body = body
        with transaction.atomic():
            announcement.save()
            announce.publish_edit(announcement)

    assert words_in_the_log() == []
    events = read()
    assert kinds(events) == ["announcement.created", "announcement.updated", "announcement.updated"]
    assert {json.loads(event.data)["body"] for event in events} == {"On Sunday"}


def test_an_announcement_withdrawn_before_its_numbering_is_in_no_log() -> None:
    with transaction.atomic():
        announcement = broadcast(title="Closed", body=SECRET)
        announce.publish_edit(announcement)
        announce.withdraw(announcement)

    assert words_in_the_log() == []
    assert list(Event.objects.order_by("seq").values_list("kind", flat=True)) == [
        TOMBSTONE,
        TOMBSTONE,
        "announcement.withdrawn",
    ]


# Notifications


def notify_of(person: User, by: User, body: str = SECRET) -> Notification:
    notify.send(by, recipient=person, verb="wrote", description=body)
    return Notification.objects.latest("pk")


@pytest.mark.parametrize(
    "delete",
    [
        lambda row: Notification.objects.filter(pk=row.pk).mark_all_as_deleted(),
        lambda row: Notification.objects.filter(pk=row.pk).delete(),
        lambda row: row.delete(),
        lambda row: row.recipient.delete(),
        lambda row: get_user_model().objects.filter(pk=row.recipient_id).delete(),
    ],
    ids=["hidden", "by a query", "by itself", "with its person", "with people"],
)
def test_a_deleted_notification_is_in_no_log(
    delete: Callable[[Notification], object], alice: User, bob: User, since: Since
) -> None:
    read = since(inbox_topic(alice.pk))
    row = notify_of(alice, bob)
    Notification.objects.filter(pk=row.pk).archive()
    Notification.objects.filter(pk=row.pk).unarchive()
    deleted, other = row.pk, notify_of(bob, alice)
    delete(row)

    assert words_in_the_log() == [inbox_topic(bob.pk)]
    events = read()
    assert kinds(events) == [TOMBSTONE, "notification.archived", TOMBSTONE, "notification.deleted"]
    assert json.loads(events[-1].data) == {"ids": [str(deleted)]}
    assert Notification.objects.visible().get().pk == other.pk


def test_a_restored_notification_is_published_whole(alice: User, bob: User, since: Since) -> None:
    read = since(inbox_topic(alice.pk))
    notify_of(alice, bob)
    Notification.objects.mark_all_as_deleted()
    Notification.objects.mark_all_as_active()

    assert kinds(read()) == [TOMBSTONE, "notification.deleted", "notification.updated"]
    assert json.loads(read()[2].data)["body"] == SECRET


# A newcomer with an older cursor


def test_a_new_account_cannot_read_a_deleted_reply_with_an_older_cursor(alice: User, charlie: User) -> None:
    post = Post.objects.create(author=alice, title="Tea", body="Which?")
    publish(f"post.{post.pk}", "test.begins", {})
    [before] = streams.read({f"post.{post.pk}": None})
    Reply.objects.create(post=post, author=alice, body=SECRET).delete()
    newcomer = Client(headers={"host": "localhost"})
    newcomer.force_login(charlie)

    answer = newcomer.get("/live/poll/", {"topic": before.topic, "cursor": encode({before.topic: before.position})})

    assert answer.status_code == 200
    assert SECRET not in answer.text
    assert [event["kind"] for event in answer.json()["events"]] == [TOMBSTONE, "reply.deleted"]


# Concurrent writers, and cost


@pytest.mark.postgres
def test_an_unnumbered_event_of_a_deleted_row_becomes_a_tombstone(
    tea: Thread, since: Since, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = since(f"thread.{tea.pk}")
    monkeypatch.setattr("notifications_hub.streams.store.number_soon", lambda topics: None)
    note = Note.objects.create(thread=tea, body=SECRET)
    note.delete()
    assert unnumbered() == 4

    streams.number_everything()
    assert words_in_the_log() == []
    assert kinds(read()) == [TOMBSTONE, "note.deleted"]


@pytest.mark.postgres
def test_an_uncommitted_deletion_does_not_block_the_numbering_of_its_topic(tea: Thread, numberer: Numberer) -> None:
    note = Note.objects.create(thread=tea, body=SECRET)
    deleted, published = threading.Event(), threading.Event()

    def delete_slowly() -> None:
        with transaction.atomic():
            Note.objects.filter(pk=note.pk).delete()
            deleted.set()
            assert published.wait(20)

    def publish_meanwhile() -> None:
        assert deleted.wait(20)
        publish(f"thread.{tea.pk}", "tea.poured", {})
        try:
            assert numberer.finish(10)
            assert unnumbered() == 0
        finally:
            published.set()

    together([delete_slowly, publish_meanwhile])
    assert numberer.finish(20)
    assert words_in_the_log() == []


def test_a_concurrent_edit_before_a_deletion_leaves_no_words(tea: Thread) -> None:
    note = Note.objects.create(thread=tea, body="Green")
    edited = threading.Event()

    def edit() -> None:
        with transaction.atomic():
            Note.objects.filter(pk=note.pk).update(body=SECRET)
            edited.set()

    def delete() -> None:
        assert edited.wait(20)
        tea.delete()

    together([edit, delete])
    streams.number_everything()
    assert words_in_the_log() == []


def test_concurrent_edits_and_deletions_leave_no_words_and_no_hole(tea: Thread) -> None:
    notes = Note.objects.bulk_create(Note(thread=tea, body=SECRET) for _ in range(12))

    def edit() -> None:
        for note in notes:
            Note.objects.filter(pk=note.pk).update(body=f"{SECRET} {threading.get_ident()}")

    def delete() -> None:
        for note in notes:
            Note.objects.filter(pk=note.pk).delete()

    together([edit, edit, delete, delete])
    streams.number_everything()
    assert words_in_the_log() == []
    assert holes() == []


@pytest.mark.postgres
def test_erasing_uses_an_index_in_a_topic_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    streams.append_many(
        NewEvent("post.9", "note.created", {"id": str(number)}, item=item_key("note", number))
        for number in range(20_000)
    )
    deleted = NewEvent("post.9", "note.deleted", {"ids": ["7"]}, erases=[item_key("note", 7)])
    with connection.cursor() as sql:
        sql.execute("ANALYZE notifications_hub_event")
        with monkeypatch.context() as waiting:
            waiting.setattr("notifications_hub.streams.store.number_soon", lambda topics: None)
            streams.append_many([deleted])
        statement = sequencer.lock_and_number(skip_locked=False)
        sql.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", {"topics": ["post.9"]})
        [[[plan]]] = sql.fetchall()
    nodes = list(_nodes(plan["Plan"]))
    assert "hub_event_item" in {node.get("Index Name") for node in nodes}
    scanned = [node for node in nodes if node["Node Type"] == "Seq Scan" and "event" in node.get("Relation Name", "")]
    assert scanned == []
    assert max(node["Actual Rows"] for node in nodes) < 10
    assert Event.objects.get(seq=8).kind == TOMBSTONE


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)
