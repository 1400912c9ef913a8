"""The sequencer: it numbers events after the commit that made them.

A short transaction of its own locks the topics' streams and gives unnumbered events `top + 1 … top + n`. Any process
may do it at any time: `numberer.py` after a commit, a reader that meets an unnumbered event, or the sweeper.

`numbered` is sent after such a transaction, with the new tops. It is a hint: nothing may depend on receiving it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from functools import cache

from django.db import DatabaseError
from django.dispatch import Signal

from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import connection
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.streams.models import TOMBSTONE, Event, Stream
from notifications_hub.streams.settled import unnumbered_events
from notifications_hub.streams.snapshots import XID
from notifications_hub.telemetry.tracing import Waiting, batch_spans

TOPICS_AT_ONCE = 1000
_UNTRACED: Mapping[str, str] = {}

log = logging.getLogger(__name__)

numbered = Signal()
"""Sent outside any transaction with `tops`, the new top by topic, and `traces`, the traceparents of some topics."""

waiting_traces = Waiting()


def number(topics: Collection[str], *, skip_locked: bool = False) -> None:
    """Number every committed event of these topics, a thousand topics in a transaction."""
    for some in chunks(sorted(topics), TOPICS_AT_ONCE):
        if traces := waiting_traces.take(some):
            with batch_spans("notifications_hub.number", traces) as made:
                _number_and_announce(some, made, skip_locked=skip_locked)
        else:
            _number_and_announce(some, {}, skip_locked=skip_locked)


def _number_and_announce(topics: Collection[str], traces: Mapping[str, str], *, skip_locked: bool) -> None:
    tops = _number_some(topics, skip_locked=skip_locked)
    if tops:
        announce_numbers(tops, traces)


def announce_numbers(tops: Mapping[str, int], traces: Mapping[str, str] = _UNTRACED) -> None:
    """Send `numbered`, outside any transaction."""
    numbered.send_robust(sender=Stream, tops=tops, traces=traces)


def _number_some(topics: Collection[str], *, skip_locked: bool) -> dict[str, int]:
    tops: dict[str, int] = {}
    while topics and (late := _number_once(topics, skip_locked=skip_locked)):
        tops |= {topic: top for topic, top in late.items() if top is not None}
        if skip_locked:
            break
        # A numberer that had to wait for another looks again.
        topics = [topic for topic, top in late.items() if top is None]
    return tops


def _number_once(topics: Collection[str], *, skip_locked: bool) -> dict[str, int | None]:
    """Number the topics' events. Return each topic that had any with its new top, or None if another numberer held it.

    Find nothing if a reader or the sweeper was first, or if a savepoint was rolled back.
    """
    if connection.vendor == "sqlite":
        return _number_on_sqlite(topics)
    with connection.cursor() as sql:
        sql.execute(lock_and_number(skip_locked=skip_locked), {"topics": list(topics)})
        return dict(sql.fetchall())


def _number_on_sqlite(topics: Collection[str]) -> dict[str, int | None]:
    late = list(Event.objects.filter(seq=None, topic__in=topics).order_by().values_list("topic", flat=True).distinct())
    if not late:
        return {}
    with transaction.atomic(), connection.cursor() as sql:
        Stream.objects.bulk_create([Stream(topic=topic) for topic in late], ignore_conflicts=True)
        for statement in (_ERASE, _GIVE_NUMBERS, _MOVE_TOPS):
            sql.execute(statement.format(topics=_placeholders(late), tombstone=TOMBSTONE), late)
        return dict(sql.fetchall())


def lock_and_number(*, skip_locked: bool) -> str:
    """Return the statement for PostgreSQL, which takes the topics as the parameter `topics`."""
    locking = "SKIP LOCKED" if skip_locked else ""
    return _LOCK_AND_NUMBER.format(
        locking=locking, unnumbered=unnumbered_events(), xid=XID, timeline=timeline(), tombstone=TOMBSTONE
    )


# An asynchronous standby that takes over may lack the last commits, and so may a restore to a point in time. Their
# numbers are then given again, to other events. Either begins a new timeline, and the first number on it a new epoch,
# so that no page mistakes one event for the other. The first eight digits of a WAL file's name are the timeline.
_TIMELINE = "CAST(CAST('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS bit(32)) AS int)"


@cache
def timeline() -> str:
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
# sees as it is now: if the two do not match (`seen`), it skips the topic.
#
# Two numberers cannot deadlock: each first locks the known streams in ascending id, and then inserts the missing ones
# in ascending name. The count makes PostgreSQL finish the first before the second. A stream that another numberer
# inserts meanwhile is skipped too.
#
# The statement that numbers an event also erases the data that the event erases. So nobody reads a deletion beside the
# deleted data, and a writer's transaction locks no event that waits for its number. One part of a statement may change
# a row only once: `numbers` erases events of this batch, and `erased` those that have a number. OFFSET 0 and ANY keep
# the planner on the indexes, because it cannot know how few items are erased.
_LOCK_AND_NUMBER = """
    WITH late AS MATERIALIZED (
        SELECT id, topic, item, erases FROM {unnumbered} AS event WHERE topic = ANY(%(topics)s)
    ), seen AS (
        SELECT id, topic, top FROM notifications_hub_stream WHERE topic = ANY(%(topics)s)
    ), locked AS (
        SELECT id, topic, top FROM notifications_hub_stream WHERE topic = ANY(ARRAY(SELECT topic FROM late))
        ORDER BY id FOR NO KEY UPDATE {locking}
    ), made AS (
        INSERT INTO notifications_hub_stream (topic, epoch, top, pruned_through, timeline)
        SELECT topic, left(CAST(gen_random_uuid() AS text), 8), count(*), 0, {timeline} FROM late
        WHERE (SELECT count(*) FROM locked) >= 0 AND NOT EXISTS (SELECT FROM seen WHERE seen.topic = late.topic)
        GROUP BY topic ORDER BY topic
        ON CONFLICT (topic) DO NOTHING
        RETURNING topic, top
    ), base AS (
        SELECT seen.topic, seen.top FROM seen JOIN locked ON locked.id = seen.id AND locked.top = seen.top
        UNION ALL SELECT topic, 0 FROM made
    ), given AS (
        SELECT late.id, late.topic, late.item, late.erases,
               base.top + row_number() OVER (PARTITION BY late.topic ORDER BY late.id) AS seq
        FROM base JOIN late ON late.topic = base.topic
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
    ), moved AS (
        UPDATE notifications_hub_stream stream SET top = reached.top, timeline = reached.timeline, epoch =
            CASE WHEN stream.timeline <> reached.timeline THEN left(CAST(gen_random_uuid() AS text), 8)
            ELSE stream.epoch END
        FROM (SELECT topic, max(seq) AS top, {timeline} AS timeline FROM numbers GROUP BY topic) AS reached
        WHERE stream.topic = reached.topic
        RETURNING stream.topic, stream.top
    )
    SELECT topic, coalesce(moved.top, made.top) FROM (SELECT DISTINCT topic FROM late) AS wanted
    LEFT JOIN made USING (topic) LEFT JOIN moved USING (topic)
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
