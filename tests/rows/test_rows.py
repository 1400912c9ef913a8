"""The events that each way of changing rows publishes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, models, transaction
from django.db.models import F
from pytest_django import DjangoAssertNumQueries, Settings

from notifications_hub import live_rows
from notifications_hub.checks import check_live_models
from notifications_hub.rows import delete_signals, queryset, trigger_notes, triggers
from notifications_hub.rows.registry import LiveRows
from notifications_hub.streams import BadTopic, Event
from notifications_hub.streams import models as stream_models
from tests.rows.board.models import Author, Lit, Note, Sign, Thread, Whisper

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

Published = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True, params=["python", pytest.param("triggers", marks=pytest.mark.postgres)])
def method(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Let Python or triggers publish the changes. Pages get the same events."""
    if request.param == "triggers":
        settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": ["board.Note", "board.Sign"]}
        triggers.install(Note)
        triggers.install(Sign)


by_python = pytest.mark.parametrize("method", ["python"], indirect=True)


@pytest.fixture
def tea() -> Thread:
    return Thread.objects.create(title="Tea")


@pytest.fixture
def coffee() -> Thread:
    return Thread.objects.create(title="Coffee")


@pytest.fixture
def ann() -> Author:
    return Author.objects.create(name="Ann")


@pytest.fixture
def note(tea: Thread, ann: Author) -> Note:
    note = Note.objects.create(thread=tea, author=ann, body="Green")
    forget()
    return note


@pytest.fixture
def notes(tea: Thread, ann: Author) -> list[Note]:
    notes = Note.objects.bulk_create(Note(thread=tea, author=ann, body=f"Cup {number}") for number in range(3))
    forget()
    return notes


def forget() -> None:
    trigger_notes.schedule_waiting_notes()
    Event.objects.all().delete()


def published_on(topic: str | Thread) -> Published:
    """Return and delete the topic's events since the last call."""
    trigger_notes.schedule_waiting_notes()
    logged = Event.objects.filter(topic=topic if isinstance(topic, str) else f"thread.{topic.pk}").order_by("pk")
    events = list(logged.values_list("kind", "data"))
    logged.delete()
    return events


def item(note: Note, **changed: Any) -> dict[str, Any]:
    return {"id": str(note.pk), "body": note.body, "author_name": "Ann"} | changed


def ids(*notes: Note) -> dict[str, list[str]]:
    return {"ids": [str(note.pk) for note in notes]}


# One row


def test_a_new_row_is_published_whole(tea: Thread, ann: Author) -> None:
    note = Note.objects.create(thread=tea, author=ann, body="Green")

    assert published_on(tea) == [("note.created", item(note))]


def test_a_saved_row_is_published_as_the_database_stores_it(note: Note, tea: Thread) -> None:
    note.body = "Black"
    note.address = "not saved"
    note.views = F("views") + 1
    note.save(update_fields=["body", "views"])

    assert published_on(tea) == [("note.updated", item(note, body="Black"))]
    assert published_on("moderators") == [("note.updated", item(note, address="192.0.2.1"))]


def test_each_topic_gets_only_changes_that_it_shows(note: Note, tea: Thread) -> None:
    note.address = "198.51.100.7"
    note.save()
    Note.objects.update(views=F("views") + 1)

    assert published_on(tea) == []
    assert published_on("moderators") == [("note.updated", item(note, address="198.51.100.7"))]


def test_a_row_that_moves_leaves_one_topic_and_joins_the_other(note: Note, tea: Thread, coffee: Thread) -> None:
    stale = Note.objects.get(pk=note.pk)
    note.thread = coffee
    note.save()

    assert published_on(tea) == [("note.deleted", ids(note))]
    assert published_on(coffee) == [("note.created", item(note))]
    stale.delete()
    assert published_on(tea) == []
    assert published_on(coffee) == [("note.deleted", ids(note))]


def test_a_hidden_row_is_published_as_deleted(note: Note, tea: Thread) -> None:
    note.hidden = True
    note.save()
    assert published_on(tea) == [("note.deleted", ids(note))]
    note.body = "Nobody sees this"
    note.save()
    assert published_on(tea) == []
    Note.objects.update(hidden=False)
    assert published_on(tea) == [("note.created", item(note))]


def test_a_deleted_row_is_published_by_its_key(note: Note, tea: Thread) -> None:
    key = note.pk
    note.delete()

    assert published_on(tea) == published_on("moderators") == [("note.deleted", {"ids": [str(key)]})]


def test_a_row_deleted_twice_is_published_once(note: Note, tea: Thread) -> None:
    again = Note.objects.get(pk=note.pk)
    note.delete()
    published_on(tea)
    again.delete()

    assert published_on(tea) == []


def test_a_row_too_large_for_an_event_is_published_by_its_key(note: Note, tea: Thread) -> None:
    note.body = "x" * 70_000
    note.save()

    assert published_on(tea) == [("note.updated", ids(note))]


def test_changes_through_a_proxy_or_a_child_model_are_published(note: Note, tea: Thread) -> None:
    whisper = Whisper.objects.get(pk=note.pk)
    whisper.body = "Hush"
    whisper.save()
    assert published_on(tea) == [("note.updated", item(note, body="Hush"))]
    whisper.delete()
    assert published_on(tea) == [("note.deleted", ids(note))]

    lit = Lit.objects.create(text="Exit", colour="green")
    key = str(lit.pk)
    assert published_on("signs") == [("shop.sign.created", {"id": key, "text": "Exit"})]
    lit.text = "Way out"
    lit.save()
    assert published_on("signs") == [("shop.sign.updated", {"id": key, "text": "Way out"})]
    lit.delete()
    assert published_on("signs") == [("shop.sign.deleted", {"ids": [key]})]


def test_a_rolled_back_change_is_never_published(note: Note, tea: Thread) -> None:
    with transaction.atomic():
        Note.objects.update(body="Never")
        Note.objects.all().delete()
        transaction.set_rollback(True)

    assert published_on(tea) == []
    Note.objects.all().delete()
    assert published_on(tea) == [("note.deleted", ids(note))]


# Many rows


def test_bulk_created_rows_are_published_in_order(tea: Thread, ann: Author) -> None:
    made = Note.objects.bulk_create([Note(thread=tea, author=ann, body=body) for body in "abc"])

    assert published_on(tea) == [("note.created", item(note)) for note in made]


def test_an_upsert_publishes_created_and_updated_rows(note: Note, tea: Thread, ann: Author) -> None:
    Note.objects.update(slug="first")
    wanted = [Note(thread=tea, author=ann, body=slug.title(), slug=slug) for slug in ("first", "second")]
    Note.objects.bulk_create(wanted, update_conflicts=True, unique_fields=["slug"], update_fields=["body"])

    second = Note.objects.get(slug="second")
    assert sorted(published_on(tea)) == [("note.created", item(second)), ("note.updated", item(note, body="First"))]


@by_python
def test_bulk_create_refuses_to_ignore_conflicts(tea: Thread) -> None:
    with pytest.raises(NotSupportedError, match="update_conflicts"):
        Note.objects.bulk_create([Note(thread=tea)], ignore_conflicts=True)


def test_an_update_of_many_publishes_each_row_and_moves_it(notes: list[Note], tea: Thread, coffee: Thread) -> None:
    assert tea.notes.filter(body="Cup 1").update(body="Mug") == 1
    assert published_on(tea) == [("note.updated", item(notes[1], body="Mug"))]
    assert Note.objects.update(thread=coffee) == 3
    [(kind, data)] = published_on(tea)
    assert (kind, sorted(data["ids"])) == ("note.deleted", sorted(ids(*notes)["ids"]))
    assert [kind for kind, _ in published_on(coffee)] == ["note.created"] * 3


def test_a_bulk_update_publishes_each_row(notes: list[Note], tea: Thread) -> None:
    for note in notes:
        note.body = note.body.upper()

    assert Note.objects.bulk_update(notes, ["body"]) == 3
    assert published_on(tea) == [("note.updated", item(note)) for note in notes]


def test_a_delete_of_many_is_one_event(notes: list[Note], tea: Thread) -> None:
    assert Note.objects.exclude(pk=notes[0].pk).delete() == (2, {"board.Note": 2})

    assert published_on(tea) == [("note.deleted", ids(*notes[1:]))]


def test_a_cascade_is_one_event(notes: list[Note], tea: Thread) -> None:
    topic = f"thread.{tea.pk}"
    tea.delete()

    [(kind, data)] = published_on(topic)
    assert (kind, sorted(data["ids"])) == ("note.deleted", sorted(ids(*notes)["ids"]))


def test_a_foreign_key_set_to_null_is_published(note: Note, tea: Thread, ann: Author) -> None:
    ann.delete()

    assert published_on(tea) == [("note.updated", item(note, author_name=""))]


@pytest.mark.parametrize("change", ["set", "add", "remove", "clear"])
def test_changes_by_a_related_manager_are_published(notes: list[Note], tea: Thread, ann: Author, change: str) -> None:
    other = Author.objects.create(name="Bo")
    acts: dict[str, Callable[[], None]] = {
        "set": lambda: other.note_set.set(notes),
        "add": lambda: other.note_set.add(*notes),
        "remove": lambda: ann.note_set.remove(*notes),
        "clear": ann.note_set.clear,
    }
    acts[change]()

    name = "Bo" if change in {"set", "add"} else ""
    assert published_on(tea) == [("note.updated", item(note, author_name=name)) for note in notes]


def test_rows_can_be_published_after_another_row_changed(note: Note, tea: Thread, ann: Author) -> None:
    Author.objects.update(name="Anna")
    ann.note_set.all().publish()

    assert published_on(tea) == [("note.updated", item(note, author_name="Anna"))]


@by_python
def test_many_rows_are_changed_in_chunks_and_each_is_published_once(
    tea: Thread, ann: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queryset, "CHUNK", 10)
    monkeypatch.setattr(stream_models, "IDS_IN_AN_EVENT", 5)
    many = Note.objects.bulk_create(Note(thread=tea, author=ann, body="x") for _ in range(25))
    assert [data["id"] for _, data in published_on(tea)] == [str(note.pk) for note in many]
    assert Note.objects.filter(body="x").update(body="y") == 25
    assert len(published_on(tea)) == 25
    Note.objects.all().delete()
    deleted = [data["ids"] for _, data in published_on(tea)]
    assert list(map(len, deleted)) == [5] * 5
    assert sorted(chain(*deleted)) == sorted(str(note.pk) for note in many)


# Cost


@by_python
def test_a_change_costs_a_few_statements_for_any_number_of_rows(
    tea: Thread, ann: Author, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Note.objects.bulk_create(Note(thread=tea, author=ann, body=str(number)) for number in range(50))
    # Lock, read, change, read, and log the events.
    with django_assert_num_queries(5):
        Note.objects.filter(thread=tea).update(body="Green")
    with django_assert_num_queries(4):
        Note.objects.filter(thread=tea).update(views=1)
    note = Note.objects.latest("pk")
    note.body = "Black"
    with django_assert_num_queries(4):
        note.save()


# Declarations


@by_python
def test_declaring_a_missing_field_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="Note has no colour, room_id"):
        live_rows(topic="room.{room_id}", fields=["body", "colour"])(Note)


@by_python
def test_a_row_cannot_be_shown_in_an_inbox() -> None:
    rows = LiveRows(model=Sign, name="sign", topic="inbox.{pk}", fields=("text",), related=())
    with pytest.raises(BadTopic):
        rows.show(Sign(pk=1))


@by_python
def test_a_field_that_is_another_row_is_refused(note: Note) -> None:
    rows = LiveRows(model=Note, name="note", topic="notes", fields=("author",), related=())
    with pytest.raises(TypeError, match=r"note\.author is another row"):
        rows.show(note)


@by_python
def test_a_live_model_without_a_live_manager_is_a_check_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications_hub.rows.registry._declared", {})
    monkeypatch.setattr(delete_signals, "connect", lambda model: None)
    monkeypatch.setattr(Author, "save_base", models.Model.save_base)
    live_rows(topic="authors", fields=["name"])(Author)

    [error] = check_live_models(None)
    assert (error.id, error.hint) == (
        "notifications_hub.E008",
        "Write objects = LiveManager(), or build your manager from LiveQuerySet.",
    )
