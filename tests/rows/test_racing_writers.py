"""Concurrent writers: a page that applies all events ends with the rows of the database."""

from __future__ import annotations

import json
import random
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import Thread as Worker
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from notifications_hub.rows import triggers
from notifications_hub.rows.trigger_notes import RowChange
from notifications_hub.streams import Event
from notifications_hub.streams.models import TOMBSTONE
from notifications_hub.streams.sweeper import sweep
from tests.rows.board.models import Note, Thread
from tests.support.full import FULL
from tests.support.processes import wait_until
from tests.support.together import in_process

WRITERS, CHANGES = 4, 40
KILLS = 20 if FULL else 1
RAW = (
    "UPDATE board_note SET body = body || '!', thread_id = %s WHERE id = %s",
    "DELETE FROM board_note WHERE %s > 0 AND id = %s",
    """INSERT INTO board_note (thread_id, id, body, address, hidden, views) VALUES (%s, %s, 'Again', '', false, 0)
       ON CONFLICT (id) DO UPDATE SET body = 'Instead'""",
)

Page = dict[str, dict[str, Any]]
Change = Callable[[random.Random, Thread], None]


class _GivenUp(Exception):
    pass


@pytest.fixture
def _triggers(settings: Settings) -> Iterator[None]:
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": ["board.Note"]}
    triggers.install(Note)
    yield
    triggers.remove("board.note")


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_pages_end_with_the_rows_of_the_database() -> None:
    _write_and_compare(_one_of_many)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_triggers")
def test_pages_end_with_the_rows_of_the_database_despite_raw_sql() -> None:
    _write_and_compare(_one_of_many_or_raw)
    assert RowChange.objects.count() == 0


@pytest.mark.postgres
@pytest.mark.faults(short=True)
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_triggers")
def test_pages_end_with_the_rows_of_the_database_despite_killed_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_NOTIFICATIONS_HUB", json.dumps({"ROW_TRIGGERS": ["board.Note"]}))
    threads = [Thread.objects.create(title=title) for title in ("Tea", "Coffee", "Juice")]
    for number in range(KILLS):
        _let_two_write_and_kill_them(number)
    sweep()
    assert RowChange.objects.count() == 0
    _compare(threads)


def _let_two_write_and_kill_them(number: int) -> None:
    before = Event.objects.count()
    writers = [in_process(f"import {__name__} as tests\ntests.write_on({seed})") for seed in (number, -number - 1)]
    wait_until(lambda: Event.objects.count() > before + 50, seconds=60, what="what they write")
    for writer in writers:
        writer.kill()
        assert writer.wait() == -signal.SIGKILL


def write_on(seed: int) -> None:
    """Write until killed. Run it in its own process, which publishes and numbers in the background."""
    chance, threads = random.Random(seed), list(Thread.objects.all())
    while True:
        _commit_or_not(chance, partial(_one_of_many_or_raw, chance, chance.choice(threads)))


def _write_and_compare(change: Change) -> None:
    threads = [Thread.objects.create(title=title) for title in ("Tea", "Coffee", "Juice")]
    Note.objects.bulk_create(Note(thread=threads[0], body=str(number)) for number in range(12))

    workers = [Worker(target=_change_things, args=(seed, threads, change)) for seed in range(WRITERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    sweep()
    _compare(threads)


def _compare(threads: list[Thread]) -> None:
    pages = _as_pages_show_it()
    for thread in threads:
        stored = {str(note.pk): note.body for note in Note.objects.filter(thread=thread)}
        assert {key: item["body"] for key, item in pages[f"thread.{thread.pk}"].items()} == stored
    assert set(pages["moderators"]) == {str(pk) for pk in Note.objects.values_list("pk", flat=True)}


def _change_things(seed: int, threads: list[Thread], change: Change) -> None:
    chance = random.Random(seed)
    try:
        for _ in range(CHANGES):
            _commit_or_not(chance, partial(change, chance, chance.choice(threads)))
    finally:
        connection.close()


def _commit_or_not(chance: random.Random, change: Callable[[], None]) -> None:
    """Run a change in a transaction. A fifth of them is rolled back."""
    # Another writer may have deleted the row first, and a third one created it again.
    with suppress(_GivenUp, Note.DoesNotExist, IntegrityError), transaction.atomic():
        change()
        if chance.random() < 0.2:
            raise _GivenUp


def _one_of_many_or_raw(chance: random.Random, thread: Thread) -> None:
    """Change one row. Raw SQL on several rows would lock them in any order, and deadlock like any other program."""
    note = Note.objects.order_by("?").first()
    if note is None or chance.random() < 0.3:
        Note.objects.create(thread=thread, body=str(chance.random()))
    elif chance.random() < 0.5:
        with connection.cursor() as sql:
            sql.execute(chance.choice(RAW), [thread.pk, note.pk])
    elif chance.random() < 0.5:
        note.thread, note.body = thread, str(chance.random())
        note.save()
    else:
        note.delete()


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


def _as_pages_show_it() -> dict[str, Page]:
    pages: dict[str, Page] = defaultdict(dict)
    for event in Event.objects.order_by("topic", "seq"):
        page = pages[event.topic]
        if event.kind == "note.deleted":
            for key in event.data["ids"]:
                page.pop(key, None)
        elif event.kind != TOMBSTONE:
            assert (event.data["id"] in page) == (event.kind == "note.updated")
            page[event.data["id"]] = event.data
    return pages
