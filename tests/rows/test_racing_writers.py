"""Writers that get in each other's way: whoever applies the events ends with the rows that the database has."""

from __future__ import annotations

import random
from collections import defaultdict
from contextlib import suppress
from threading import Thread as Worker
from typing import Any

import pytest
from django.db import connection, transaction

from notifications_hub import streams
from notifications_hub.streams import Event
from tests.rows.board.models import Note, Thread

WRITERS, CHANGES = 4, 40

Page = dict[str, dict[str, Any]]


class _GivenUp(Exception):
    pass


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_pages_end_with_the_rows_that_the_database_has() -> None:
    threads = [Thread.objects.create(title=title) for title in ("Tea", "Coffee", "Juice")]
    Note.objects.bulk_create(Note(thread=threads[0], body=str(number)) for number in range(12))

    workers = [Worker(target=_change_things, args=(seed, threads)) for seed in range(WRITERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    streams.number_everything()
    pages = _as_pages_have_it()
    for thread in threads:
        stored = {str(note.pk): note.body for note in Note.objects.filter(thread=thread)}
        assert {key: item["body"] for key, item in pages[f"thread.{thread.pk}"].items()} == stored
    assert set(pages["moderators"]) == {str(pk) for pk in Note.objects.values_list("pk", flat=True)}


def _change_things(seed: int, threads: list[Thread]) -> None:
    chance = random.Random(seed)
    try:
        for _ in range(CHANGES):
            _change(chance, threads)
    finally:
        connection.close()


def _change(chance: random.Random, threads: list[Thread]) -> None:
    """One transaction; a fifth of them is rolled back."""
    # Another writer may have deleted the row first.
    with suppress(_GivenUp, Note.DoesNotExist), transaction.atomic():
        _one_of_many(chance, chance.choice(threads))
        if chance.random() < 0.2:
            raise _GivenUp


def _one_of_many(chance: random.Random, thread: Thread) -> None:
    some = Note.objects.filter(pk__in=chance.choices(Note.objects.values_list("pk", flat=True), k=2))
    match chance.randrange(5):
        case 0:
            Note.objects.bulk_create(Note(thread=thread, body=str(chance.random())) for _ in range(2))
        case 1:
            some.update(thread=thread)
        case 2:
            some.update(body=str(chance.random()))
        case 3:
            some[:1].get().delete()
        case 4:
            note = some[:1].get()
            note.thread, note.body = thread, str(chance.random())
            note.save()


def _as_pages_have_it() -> dict[str, Page]:
    pages: dict[str, Page] = defaultdict(dict)
    for event in Event.objects.order_by("topic", "seq"):
        page = pages[event.topic]
        if event.kind == "note.deleted":
            for key in event.data["ids"]:
                del page[key]
        else:
            assert (event.data["id"] in page) == (event.kind == "note.updated")
            page[event.data["id"]] = event.data
    return pages
