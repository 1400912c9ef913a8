"""What a change of rows makes pages hear, whichever way it was made."""

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

Heard = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True, params=["python", pytest.param("triggers", marks=pytest.mark.postgres)])
def method(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Whether Python tells what it changes, or triggers do: pages hear the same."""
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


def heard(topic: str | Thread) -> Heard:
    """What was said there since the last look."""
    trigger_notes.schedule_waiting_notes()
    said = Event.objects.filter(topic=topic if isinstance(topic, str) else f"thread.{topic.pk}").order_by("pk")
    events = list(said.values_list("kind", "data"))
    said.delete()
    return events


def item(note: Note, **changed: Any) -> dict[str, Any]:
    return {"id": str(note.pk), "body": note.body, "author_name": "Ann"} | changed


def ids(*notes: Note) -> dict[str, list[str]]:
    return {"ids": [str(note.pk) for note in notes]}


# One row


def test_a_row_that_is_made_is_told_whole(tea: Thread, ann: Author) -> None:
    note = Note.objects.create(thread=tea, author=ann, body="Green")

    assert heard(tea) == [("note.created", item(note))]


def test_a_row_that_is_saved_is_told_as_the_database_has_it(note: Note, tea: Thread) -> None:
    note.body = "Black"
    note.address = "not saved"
    note.views = F("views") + 1
    note.save(update_fields=["body", "views"])

    assert heard(tea) == [("note.updated", item(note, body="Black"))]
    assert heard("moderators") == [("note.updated", item(note, address="192.0.2.1"))]


def test_each_topic_hears_of_what_it_shows_and_of_nothing_else(note: Note, tea: Thread) -> None:
    note.address = "198.51.100.7"
    note.save()
    Note.objects.update(views=F("views") + 1)

    assert heard(tea) == []
    assert heard("moderators") == [("note.updated", item(note, address="198.51.100.7"))]


def test_a_row_that_moves_leaves_one_topic_and_comes_to_the_other(note: Note, tea: Thread, coffee: Thread) -> None:
    stale = Note.objects.get(pk=note.pk)
    note.thread = coffee
    note.save()

    assert heard(tea) == [("note.deleted", ids(note))]
    assert heard(coffee) == [("note.created", item(note))]
    stale.delete()
    assert heard(tea) == []
    assert heard(coffee) == [("note.deleted", ids(note))]


def test_a_row_that_is_hidden_is_gone_for_those_who_may_not_see_it(note: Note, tea: Thread) -> None:
    note.hidden = True
    note.save()
    assert heard(tea) == [("note.deleted", ids(note))]
    note.body = "Nobody hears this"
    note.save()
    assert heard(tea) == []
    Note.objects.update(hidden=False)
    assert heard(tea) == [("note.created", item(note))]


def test_a_row_that_is_deleted_is_told_by_its_key(note: Note, tea: Thread) -> None:
    key = note.pk
    note.delete()

    assert heard(tea) == heard("moderators") == [("note.deleted", {"ids": [str(key)]})]


def test_a_row_that_is_there_no_more_is_not_told_again(note: Note, tea: Thread) -> None:
    again = Note.objects.get(pk=note.pk)
    note.delete()
    heard(tea)
    again.delete()

    assert heard(tea) == []


def test_a_row_with_more_than_an_event_carries_is_named_for_pages_to_fetch(note: Note, tea: Thread) -> None:
    note.body = "x" * 70_000
    note.save()

    assert heard(tea) == [("note.updated", ids(note))]


def test_a_proxy_and_a_child_speak_for_the_row_that_they_are(note: Note, tea: Thread) -> None:
    whisper = Whisper.objects.get(pk=note.pk)
    whisper.body = "Hush"
    whisper.save()
    assert heard(tea) == [("note.updated", item(note, body="Hush"))]
    whisper.delete()
    assert heard(tea) == [("note.deleted", ids(note))]

    lit = Lit.objects.create(text="Exit", colour="green")
    key = str(lit.pk)
    assert heard("signs") == [("delivery method.sign.created", {"id": key, "text": "Exit"})]
    lit.text = "Way out"
    lit.save()
    assert heard("signs") == [("delivery method.sign.updated", {"id": key, "text": "Way out"})]
    lit.delete()
    assert heard("signs") == [("delivery method.sign.deleted", {"ids": [key]})]


def test_what_is_rolled_back_is_never_heard(note: Note, tea: Thread) -> None:
    with transaction.atomic():
        Note.objects.update(body="Never")
        Note.objects.all().delete()
        transaction.set_rollback(True)

    assert heard(tea) == []
    Note.objects.all().delete()
    assert heard(tea) == [("note.deleted", ids(note))]


# Many rows


def test_many_that_are_made_are_told_in_their_order(tea: Thread, ann: Author) -> None:
    made = Note.objects.bulk_create([Note(thread=tea, author=ann, body=body) for body in "abc"])

    assert heard(tea) == [("note.created", item(note)) for note in made]


def test_an_upsert_tells_what_it_made_and_what_it_changed(note: Note, tea: Thread, ann: Author) -> None:
    Note.objects.update(slug="first")
    wanted = [Note(thread=tea, author=ann, body=slug.title(), slug=slug) for slug in ("first", "second")]
    Note.objects.bulk_create(wanted, update_conflicts=True, unique_fields=["slug"], update_fields=["body"])

    second = Note.objects.get(slug="second")
    assert sorted(heard(tea)) == [("note.created", item(second)), ("note.updated", item(note, body="First"))]


@by_python
def test_made_rows_that_nobody_can_name_are_refused(tea: Thread) -> None:
    with pytest.raises(NotSupportedError, match="update_conflicts"):
        Note.objects.bulk_create([Note(thread=tea)], ignore_conflicts=True)


def test_an_update_of_many_tells_each_and_moves_them(notes: list[Note], tea: Thread, coffee: Thread) -> None:
    assert tea.notes.filter(body="Cup 1").update(body="Mug") == 1
    assert heard(tea) == [("note.updated", item(notes[1], body="Mug"))]
    assert Note.objects.update(thread=coffee) == 3
    [(kind, data)] = heard(tea)
    assert (kind, sorted(data["ids"])) == ("note.deleted", sorted(ids(*notes)["ids"]))
    assert [kind for kind, _ in heard(coffee)] == ["note.created"] * 3


def test_a_bulk_update_tells_each(notes: list[Note], tea: Thread) -> None:
    for note in notes:
        note.body = note.body.upper()

    assert Note.objects.bulk_update(notes, ["body"]) == 3
    assert heard(tea) == [("note.updated", item(note)) for note in notes]


def test_a_delete_of_many_is_one_event(notes: list[Note], tea: Thread) -> None:
    assert Note.objects.exclude(pk=notes[0].pk).delete() == (2, {"board.Note": 2})

    assert heard(tea) == [("note.deleted", ids(*notes[1:]))]


def test_what_another_row_takes_along_is_one_event(notes: list[Note], tea: Thread) -> None:
    topic = f"thread.{tea.pk}"
    tea.delete()

    [(kind, data)] = heard(topic)
    assert (kind, sorted(data["ids"])) == ("note.deleted", sorted(ids(*notes)["ids"]))


def test_what_a_deleted_row_leaves_empty_is_told(note: Note, tea: Thread, ann: Author) -> None:
    ann.delete()

    assert heard(tea) == [("note.updated", item(note, author_name=""))]


@pytest.mark.parametrize("change", ["set", "add", "remove", "clear"])
def test_a_related_manager_tells_of_what_it_changes(notes: list[Note], tea: Thread, ann: Author, change: str) -> None:
    other = Author.objects.create(name="Bo")
    acts: dict[str, Callable[[], None]] = {
        "set": lambda: other.note_set.set(notes),
        "add": lambda: other.note_set.add(*notes),
        "remove": lambda: ann.note_set.remove(*notes),
        "clear": ann.note_set.clear,
    }
    acts[change]()

    name = "Bo" if change in {"set", "add"} else ""
    assert heard(tea) == [("note.updated", item(note, author_name=name)) for note in notes]


def test_rows_are_told_again_when_another_row_changed(note: Note, tea: Thread, ann: Author) -> None:
    Author.objects.update(name="Anna")
    ann.note_set.all().publish()

    assert heard(tea) == [("note.updated", item(note, author_name="Anna"))]


@by_python
def test_what_is_too_many_at_once_is_changed_in_pieces_and_each_row_once(
    tea: Thread, ann: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queryset, "CHUNK", 10)
    monkeypatch.setattr(stream_models, "IDS_IN_AN_EVENT", 5)
    many = Note.objects.bulk_create(Note(thread=tea, author=ann, body="x") for _ in range(25))
    assert [data["id"] for _, data in heard(tea)] == [str(note.pk) for note in many]
    assert Note.objects.filter(body="x").update(body="y") == 25
    assert len(heard(tea)) == 25
    Note.objects.all().delete()
    deleted = [data["ids"] for _, data in heard(tea)]
    assert list(map(len, deleted)) == [5] * 5
    assert sorted(chain(*deleted)) == sorted(str(note.pk) for note in many)


# What it costs


@by_python
def test_changes_cost_a_few_statements_however_many_rows(
    tea: Thread, ann: Author, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Note.objects.bulk_create(Note(thread=tea, author=ann, body=str(number)) for number in range(50))
    # Lock, read, change, read, and the events.
    with django_assert_num_queries(5):
        Note.objects.filter(thread=tea).update(body="Green")
    with django_assert_num_queries(4):
        Note.objects.filter(thread=tea).update(views=1)
    note = Note.objects.latest("pk")
    note.body = "Black"
    with django_assert_num_queries(4):
        note.save()


# What is declared


@by_python
def test_a_field_that_is_not_there_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ImproperlyConfigured, match="Note has no colour, room_id"):
        live_rows(topic="room.{room_id}", fields=["body", "colour"])(Note)


@by_python
def test_a_row_cannot_be_shown_in_an_inbox() -> None:
    rows = LiveRows(model=Sign, name="sign", topic="inbox.{pk}", fields=("text",), related=())
    with pytest.raises(BadTopic):
        rows.show(Sign(pk=1))


@by_python
def test_a_whole_row_in_a_row_is_refused(note: Note) -> None:
    rows = LiveRows(model=Note, name="note", topic="notes", fields=("author",), related=())
    with pytest.raises(TypeError, match=r"note\.author is a row of its own"):
        rows.show(note)


@by_python
def test_a_live_model_without_a_live_manager_is_found_at_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications_hub.rows.registry._declared", {})
    monkeypatch.setattr(delete_signals, "connect", lambda model: None)
    monkeypatch.setattr(Author, "save_base", models.Model.save_base)
    live_rows(topic="authors", fields=["name"])(Author)

    [error] = check_live_models(None)
    assert (error.id, error.hint) == (
        "notifications_hub.E008",
        "Write objects = LiveManager(), or build yours from LiveQuerySet.",
    )
