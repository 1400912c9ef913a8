"""The sequencer: it numbers events after the commit that made them.

A short transaction of its own locks the topics' streams and gives unnumbered events `top + 1 … top + n`. Any process
may do it at any time: `number_soon` after a commit, a reader that meets an unnumbered event, or the sweeper.

`numbered` is sent after such a transaction, with the new tops. It is a hint: nothing may depend on receiving it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from functools import cache, partial

from django.db import DatabaseError, connections
from django.dispatch import Signal

from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.pooling import release_connections
from notifications_hub.database.primary import connection
from notifications_hub.database.reconnect import CONNECTION_ERRORS, run_with_reconnect
from notifications_hub.streams.models import TOMBSTONE, Stream
from notifications_hub.streams.settled import unnumbered_events
from notifications_hub.streams.snapshots import XID
from notifications_hub.web.site_paths import use_script_name

TOPICS_AT_ONCE = 1000
IDLE_SECONDS = 60.0
"""Time that the numberer keeps its thread and its database connection while it is idle."""
EXIT_SECONDS = 5.0
"""Time that an exiting process waits for its events to be numbered. Another process's sweeper numbers the rest."""

log = logging.getLogger(__name__)

numbered = Signal()
"""Sent outside any transaction with `tops`, the new top by topic."""


def number_soon(topics: Collection[str]) -> None:
    """Number these topics in the background, batched with the topics of other commits, so that no caller waits.

    On SQLite number them at once: it has one writer, and a background thread would have to wait for it.
    """
    if connection.vendor == "sqlite":
        number(topics)
    else:
        numberer.add_topics(topics)


def run_soon(chore: Callable[[], object]) -> None:
    """Run a chore that makes events in the background, before the next numbering. PostgreSQL only."""
    numberer.add_chore(chore)


def number(topics: Collection[str], *, skip_locked: bool = False) -> None:
    """Number every committed event of these topics, a thousand topics in a transaction."""
    for some in chunks(sorted(topics), TOPICS_AT_ONCE):
        tops = _number_some(some, skip_locked=skip_locked)
        if tops:
            numbered.send_robust(sender=Stream, tops=tops)


def _number_some(topics: Collection[str], *, skip_locked: bool) -> dict[str, int]:
    tops: dict[str, int] = {}
    while topics and (grown := _find_topics(topics)):
        # Insert in the order of names, or two numberers that make the same streams could deadlock.
        if missing := [Stream(topic=topic) for topic, stream in grown.items() if stream is None]:
            Stream.objects.bulk_create(missing, ignore_conflicts=True)
        tops |= _give_numbers(list(grown), skip_locked=skip_locked)
        if skip_locked:
            break
        # A numberer that had to wait for another looks again.
        topics = grown.keys() - tops.keys()
    return tops


# Finds nothing if a reader or the sweeper was first, or if a savepoint was rolled back.
_FIND_TOPICS = """
    SELECT event.topic, stream.id
    FROM (SELECT DISTINCT topic FROM {unnumbered} AS late WHERE topic IN ({topics})) AS event
    LEFT JOIN notifications_hub_stream stream ON stream.topic = event.topic
    ORDER BY event.topic
"""


def _find_topics(topics: Collection[str]) -> dict[str, int | None]:
    with connection.cursor() as sql:
        statement = _FIND_TOPICS.format(topics=_placeholders(topics), unnumbered=unnumbered_events())
        sql.execute(statement, list(topics))
        return dict(sql.fetchall())


def _give_numbers(topics: Sequence[str], *, skip_locked: bool) -> dict[str, int]:
    """Number the topics' events, and return new tops by topic, without topics that another numberer has just done."""
    if connection.vendor == "sqlite":
        with transaction.atomic(), connection.cursor() as sql:
            for statement in (_ERASE, _GIVE_NUMBERS, _MOVE_TOPS):
                sql.execute(statement.format(topics=_placeholders(topics), tombstone=TOMBSTONE), topics)
            return dict(sql.fetchall())
    with connection.cursor() as sql:
        sql.execute(lock_and_number(topics, skip_locked=skip_locked), [*topics] * 3)
        return dict(sql.fetchall())


def lock_and_number(topics: Collection[str], *, skip_locked: bool) -> str:
    """Return the statement for PostgreSQL, which takes the topics three times as parameters."""
    locking = "SKIP LOCKED" if skip_locked else ""
    return _LOCK_AND_NUMBER.format(
        topics=_placeholders(topics),
        locking=locking,
        unnumbered=unnumbered_events(),
        xid=XID,
        timeline=_timeline(),
        tombstone=TOMBSTONE,
    )


# An asynchronous standby that takes over may lack the last commits, and so may a restore to a point in time. Their
# numbers are then given again, to other events. Either begins a new timeline, and the first number on it a new epoch,
# so that no page mistakes one event for the other. The first eight digits of a WAL file's name are the timeline.
_TIMELINE = "CAST(CAST('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS bit(32)) AS int)"


@cache
def _timeline() -> str:
    """Return SQL for the server's timeline, or for NULL if a hosted PostgreSQL does not show it."""
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext(), connection.cursor() as sql:
            sql.execute(f"SELECT {_TIMELINE}")
    except CONNECTION_ERRORS:
        raise
    except DatabaseError as error:
        log.info("Cannot read timelines (%s): run `manage.py hub_rotate_epochs` if a failover loses commits", error)
        return "CAST(NULL AS int)"
    return _TIMELINE


# One statement is one round trip. It sees the events as they were when it began. A stream that it had to wait for, it
# sees as it is now: if the two do not match (`seen`), it skips the topic. Streams are locked in ascending order, so
# that two numberers cannot deadlock.
#
# The statement that numbers an event also erases the data that the event erases. So nobody reads a deletion beside the
# deleted data, and a writer's transaction locks no event that waits for its number. One part of a statement may change
# a row only once: `numbers` erases events of this batch, and `erased` those that have a number. OFFSET 0 and ANY keep
# the planner on the indexes, because it cannot know how few items are erased.
_LOCK_AND_NUMBER = """
    WITH late AS MATERIALIZED (
        SELECT id, topic, item, erases FROM {unnumbered} AS event WHERE topic IN ({topics})
    ), seen AS (
        SELECT id, top FROM notifications_hub_stream WHERE topic IN ({topics})
    ), locked AS (
        SELECT id, topic, top FROM notifications_hub_stream WHERE topic IN ({topics})
        ORDER BY id FOR NO KEY UPDATE {locking}
    ), given AS (
        SELECT late.id, late.topic, late.item, late.erases,
               locked.top + row_number() OVER (PARTITION BY late.topic ORDER BY late.id) AS seq
        FROM locked JOIN seen ON seen.id = locked.id AND seen.top = locked.top
        JOIN late ON late.topic = locked.topic
    ), erasing AS (
        SELECT DISTINCT ON (given.topic, named.item) given.topic, named.item, given.id AS last, own.data AS words
        FROM given CROSS JOIN LATERAL jsonb_array_elements_text(given.erases) AS named(item)
        LEFT JOIN LATERAL (
            SELECT data FROM notifications_hub_event WHERE id = given.id AND given.item = named.item OFFSET 0
        ) AS own ON true
        ORDER BY given.topic, named.item, given.id DESC
    ), earlier AS (
        SELECT old.id, erasing.words
        FROM erasing CROSS JOIN LATERAL (
            SELECT id FROM notifications_hub_event
            WHERE topic = erasing.topic AND item = erasing.item AND seq IS NOT NULL OFFSET 0
        ) AS old
    ), erased AS (
        UPDATE notifications_hub_event event SET
            kind = CASE WHEN words IS NULL THEN '{tombstone}' ELSE kind END,
            item = CASE WHEN words IS NOT NULL THEN item END,
            data = coalesce(words, '{{}}')
        FROM earlier WHERE event.id = ANY(ARRAY(SELECT id FROM earlier)) AND event.id = earlier.id
    ), numbers AS (
        UPDATE notifications_hub_event event SET
            seq = given.seq,
            kind = CASE WHEN last IS NOT NULL AND words IS NULL THEN '{tombstone}' ELSE kind END,
            item = CASE WHEN last IS NULL OR words IS NOT NULL THEN event.item END,
            data = CASE WHEN last IS NULL THEN data ELSE coalesce(words, '{{}}') END,
            erases = NULL,
            xid = {xid}
        FROM given LEFT JOIN erasing
            ON erasing.topic = given.topic AND erasing.item = given.item AND erasing.last > given.id
        WHERE event.id = given.id
        RETURNING event.topic, event.seq
    )
    UPDATE notifications_hub_stream AS stream SET top = moved.top, timeline = moved.timeline, epoch =
        CASE WHEN stream.timeline <> moved.timeline THEN left(CAST(gen_random_uuid() AS text), 8) ELSE stream.epoch END
    FROM (SELECT topic, max(seq) AS top, {timeline} AS timeline FROM numbers GROUP BY topic) AS moved
    WHERE stream.topic = moved.topic
    RETURNING stream.topic, stream.top
"""
# SQLite has one writing transaction at a time, so nobody changes the rows that it sees. With `max()` SQLite returns the
# other columns of the same row, so an item's last event decides.
_ERASE = """
    UPDATE notifications_hub_event SET
        kind = CASE WHEN words IS NULL THEN '{tombstone}' ELSE kind END,
        item = CASE WHEN words IS NOT NULL THEN item END,
        data = coalesce(words, '{{}}')
    FROM (
        SELECT old.id, max(event.id), CASE WHEN event.item = named.value THEN event.data END AS words
        FROM notifications_hub_event event, json_each(event.erases) named
        JOIN notifications_hub_event old ON old.topic = event.topic AND old.item = named.value AND old.id < event.id
        WHERE event.seq IS NULL AND event.erases IS NOT NULL AND event.topic IN ({topics})
        GROUP BY old.id
    ) AS earlier
    WHERE notifications_hub_event.id = earlier.id
"""
_GIVE_NUMBERS = """
    UPDATE notifications_hub_event SET seq = given.seq, erases = NULL
    FROM (
        SELECT event.id, stream.top + row_number() OVER (PARTITION BY event.topic ORDER BY event.id) AS seq
        FROM notifications_hub_event event JOIN notifications_hub_stream stream ON stream.topic = event.topic
        WHERE event.seq IS NULL AND event.topic IN ({topics})
    ) AS given
    WHERE notifications_hub_event.id = given.id
"""
_MOVE_TOPS = """
    UPDATE notifications_hub_stream SET top = coalesce(
        (SELECT max(seq) FROM notifications_hub_event event WHERE event.topic = notifications_hub_stream.topic), top)
    WHERE topic IN ({topics})
    RETURNING topic, top
"""


def _placeholders(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


class Numberer:
    """The background thread of a process. It starts with the first topic and ends after `IDLE_SECONDS` without work.

    It guarantees nothing: the sweeper numbers all that is left when the process ends or is killed.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Reset the state, also after a fork: the topics are the parent's, and a fork copies no threads."""
        self._changed = threading.Condition()
        self._waiting: set[str] = set()
        self._chores: set[Callable[[], object]] = set()
        self._working = False
        self._thread: threading.Thread | None = None

    @property
    def at_work(self) -> bool:
        """True while there is a thread, which holds a database connection."""
        return self._thread is not None and self._thread.is_alive()

    def add_topics(self, topics: Collection[str]) -> None:
        with self._changed:
            self._waiting.update(topics)
            self._wake()

    def add_chore(self, chore: Callable[[], object]) -> None:
        """Add a chore. It runs once, however often it is added before it starts."""
        with self._changed:
            self._chores.add(chore)
            self._wake()

    def finish(self, seconds: float) -> bool:
        """Wait until all work is done, for at most these seconds. Return False if some is left."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._has_work() and not self._working, seconds)

    def _wake(self) -> None:
        if not self.at_work:
            self._thread = threading.Thread(target=self._run, name="hub-numberer", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _has_work(self) -> bool:
        return bool(self._waiting or self._chores)

    def _run(self) -> None:
        use_script_name()
        try:
            while work := self._next():
                for step in work:
                    _run_step(step)
                release_connections()
        finally:
            connections.close_all()

    def _next(self) -> list[Callable[[], object]]:
        """Return the work that has arrived, or an empty list after `IDLE_SECONDS` without any; then the thread ends."""
        with self._changed:
            self._working = False
            self._changed.notify_all()
            self._changed.wait_for(self._has_work, IDLE_SECONDS)
            work: list[Callable[[], object]] = []
            if self._has_work():
                work = [*self._chores, partial(number, self._waiting)]
            self._waiting, self._chores = set(), set()
            self._working = bool(work)
            if not work:
                self._thread = None
            return work


def _run_step(step: Callable[[], object]) -> None:
    try:
        run_with_reconnect(step)
    except Exception:
        log.exception("Events could not be created or numbered; the sweeper will retry")
        connections.close_all()


numberer = Numberer()
atexit.register(lambda: numberer.finish(EXIT_SECONDS))
os.register_at_fork(after_in_child=numberer.forget)
