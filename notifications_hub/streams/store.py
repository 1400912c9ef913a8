"""The log: every topic is a gapless sequence of events, numbered after commit.

A writer inserts events without a number, inside its own transaction, and touches no shared row. So it waits for nobody
and cannot deadlock. After the commit `sequencer.py` numbers the events `top + 1 … top + n`, topic by topic. A reader
that sees number k therefore sees every number below it, on PostgreSQL and on SQLite. A rollback leaves nothing. If a
process is killed before it numbers its events, the next reader or the sweeper numbers them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate, chain, groupby, takewhile
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from notifications_hub.conf import require_time_zones
from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import connection
from notifications_hub.database.reconnect import first_line
from notifications_hub.streams.changes import NOWHERE
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import (
    NewEvent,
    check_topic,
)
from notifications_hub.streams.numberer import number_soon
from notifications_hub.streams.sequencer import number, waiting_traces
from notifications_hub.streams.settled import unnumbered_events
from notifications_hub.telemetry import measures, tracing

log = logging.getLogger(__name__)

PAGE = 200
"""The most events of one topic that one read returns."""
FRAME_BYTES = 256 * 1024
"""The size of one read for one reader, over all its topics. It may be exceeded by part of one event."""
BATCH_BYTES = 4 * 2**20
"""The size of one statement's answer, over all its readers."""
_ENVELOPE = 256
"""Bytes that an event takes in a frame besides its data, so that very small events count too."""


# Writing


def append(topic: str, kind: str, data: Mapping[str, Any]) -> None:
    append_many([NewEvent(topic, kind, data)])


def append_many(events: Iterable[NewEvent]) -> None:
    """Log events in the caller's transaction. They are numbered after its commit, and gone if it rolls back."""
    require_time_zones()
    now = connection.ops.adapt_datetimefield_value(datetime.now(UTC))
    rows = [(check_topic(event.topic), event.kind, event.encoded, now, *_items(event)) for event in events]
    if not rows:
        return
    # A single statement is its own transaction: one round trip instead of three.
    with transaction.atomic() if len(rows) > _ROWS_AT_ONCE or transaction.is_manual() else nullcontext():
        for some in chunks(rows, _ROWS_AT_ONCE):
            _insert(some)
        measures.events.inc(len(rows))
        number_on_commit({topic for topic, *_ in rows})


# Raw SQL, because the ORM takes longer for a row than the database.
_INSERT = "INSERT INTO notifications_hub_event (topic, kind, data, created, item, erases) VALUES {rows}"
_ROWS_AT_ONCE = 1000


def _items(event: NewEvent) -> tuple[str | None, str | None]:
    return event.item, json.dumps(event.erases) if event.erases else None


def _insert(rows: Sequence[tuple[Any, ...]]) -> None:
    placeholders = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(rows))
    with connection.cursor() as sql:
        sql.execute(_INSERT.format(rows=placeholders), list(chain.from_iterable(rows)))


_uncommitted: WeakKeyDictionary[BaseDatabaseWrapper, set[str]] = WeakKeyDictionary()


def number_on_commit(topics: set[str]) -> None:
    """Number these topics after the commit. Call it in the transaction that inserts their events."""
    # Each append registers a callback, because a savepoint that rolls back drops its callbacks. The first callback to
    # run numbers all topics. Topics that a rollback left in the set have no events, and cost the next commit nothing.
    if parent := tracing.traceparent():
        waiting_traces.add(dict.fromkeys(topics, parent))
    database: BaseDatabaseWrapper = transaction.get_connection()
    waiting = _uncommitted.setdefault(database, set())
    waiting |= topics
    transaction.on_commit(partial(_number_waiting, waiting), robust=True)


def _number_waiting(waiting: set[str]) -> None:
    topics = set(waiting)
    waiting.clear()
    if topics:
        number_soon(topics)


# Reading


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as read. `data` is the stored JSON, sent to pages without decoding. Ephemeral events have no `seq`."""

    topic: str
    seq: int | None
    kind: str
    data: str
    created: datetime

    @property
    def size(self) -> int:
        return len(self.data) + _ENVELOPE


@dataclass(frozen=True, slots=True)
class Reading:
    """A page of one topic. `position` is the reader's position after it, and `top` is the topic's last number."""

    topic: str
    epoch: str
    top: int
    position: Position
    reset: bool = False
    events: list[LoggedEvent] = field(default_factory=list)

    @property
    def more(self) -> bool:
        return self.position.seq < self.top

    @property
    def size(self) -> int:
        return sum(event.size for event in self.events)

    def within(self, size: int) -> Reading:
        """Return the first events, up to the one that reaches this many bytes."""
        if not self.events or self.size <= size:
            return self
        reached = takewhile(lambda used: used < size, accumulate((event.size for event in self.events), initial=0))
        events = [event for event, _used in zip(self.events, reached, strict=False)]
        left_out = len(self.events) - len(events)
        return replace(self, events=events, position=replace(self.position, seq=self.position.seq - left_out))


# Streams and events are read in one statement, so that pruning between the two cannot make a hole. `walk` goes through
# each topic's numbers one by one and stops at its share of the bytes. So events that are not returned are not unpacked;
# a running sum over a page would unpack all of it, for each page. `reader` is the first to ask for a position.
_READ = """
    WITH RECURSIVE want(number, reader, topic, epoch, seq) AS (VALUES {wanted}),
    found AS (
        SELECT want.number, want.reader, want.topic, want.seq, stream.epoch, stream.top, stream.pruned_through,
               EXISTS (
                   SELECT 1 FROM {unnumbered} AS late WHERE late.topic = want.topic
               ) AS unnumbered,
               CASE WHEN (stream.epoch = want.epoch OR (want.epoch = '' AND want.seq = 0))
                   AND stream.pruned_through <= want.seq AND want.seq < stream.top THEN 1 ELSE 0 END AS behind
        FROM want LEFT JOIN notifications_hub_stream stream ON stream.topic = want.topic
    ), counted AS (
        SELECT found.*, sum(behind) OVER () AS in_all, sum(behind) OVER (PARTITION BY reader) AS of_reader FROM found
    ), walk(number, reader, topic, last, share, seq, before, data) AS (
        SELECT number, reader, topic, seq + {page},
               CASE WHEN in_all * {for_reader} > of_reader * {for_all} THEN {for_all} / in_all
                    ELSE {for_reader} / of_reader END,
               seq, CAST(0 AS bigint), CAST(NULL AS text)
        FROM counted WHERE behind = 1
        UNION ALL
        SELECT walk.number, walk.reader, walk.topic, walk.last, walk.share,
               event.seq, walk.before + {size}, CAST(event.data AS text)
        FROM walk JOIN notifications_hub_event event ON event.topic = walk.topic AND event.seq = walk.seq + 1
        WHERE walk.seq < walk.last AND walk.before + {size} < walk.share AND walk.before + {size} < {for_topic}
    ), sized AS (
        SELECT number, reader, seq, data, {size} AS size FROM walk WHERE data IS NOT NULL
    ), of_readers AS (
        SELECT sized.*, sum(size) OVER (PARTITION BY reader ORDER BY number, seq) - size AS before FROM sized
    ), given AS (
        SELECT of_readers.*, sum(size) OVER (ORDER BY number, seq) - size AS before_in_all
        FROM of_readers WHERE before < {for_reader}
    )
    SELECT found.number, found.epoch, found.top, found.pruned_through, found.unnumbered,
           event.seq, event.kind, given.data, event.created
    FROM found
    LEFT JOIN given ON given.number = found.number AND given.before_in_all < {for_all}
    LEFT JOIN notifications_hub_event event ON event.topic = found.topic AND event.seq = given.seq
    ORDER BY found.number, event.seq
"""
_TopicPosition = tuple[str, Position | None]


def read(wanted: Mapping[str, Position | None], size: int = FRAME_BYTES) -> list[Reading]:
    """Return a page of each topic after its position, or from now on if it has none. Two statements at most.

    `reset` is set if the position is of another epoch, beyond the top (a restored backup), or in the pruned part. All
    topics together return about `size` bytes, and at least one event if there are any. `more` is true for topics with
    events left.
    """
    [readings] = _read_many([wanted], size)
    return readings


def read_many(wanted: Sequence[Mapping[str, Position | None]]) -> list[list[Reading]]:
    """Return the readings of many readers, in as many statements as for one.

    Beyond `BATCH_BYTES`, readers get `more` and no events, and must read again.
    """
    return _read_many(wanted, FRAME_BYTES)


def _read_many(wanted: Sequence[Mapping[str, Position | None]], size: int) -> list[list[Reading]]:
    positions: dict[_TopicPosition, int] = {}
    for reader, one in enumerate(wanted):
        for asked in one.items():
            positions.setdefault(asked, reader)
    readings, late = _read_once(positions, size) if positions else ({}, [])
    if late and not connection.in_atomic_block:
        readings = _repaired(late, positions, size) or readings
    return [_within([readings[asked] for asked in one.items()], size) for one in wanted]


def _repaired(
    late: Collection[str], positions: Mapping[_TopicPosition, int], size: int
) -> dict[_TopicPosition, Reading] | None:
    """Number these topics and return the readings again, or None if the database refuses to write.

    A full disk or a read-only database keeps nobody from the events that have their numbers.
    """
    try:
        number(late, skip_locked=True)
    except DatabaseError as error:
        log.warning("Events could not be numbered for a reader: %s", first_line(error))
        return None
    return _read_once(positions, size)[0]


def _within(readings: list[Reading], size: int) -> list[Reading]:
    """Cut the readings to the size of one reader, because they were also read for others."""
    kept: list[Reading] = []
    for reading in readings:
        kept.append(reading.within(size))
        size -= kept[-1].size
    return kept


def _read_once(positions: Mapping[_TopicPosition, int], size: int) -> tuple[dict[_TopicPosition, Reading], list[str]]:
    values: list[str] = []
    parameters: list[str | int] = []
    for index, ((topic, position), reader) in enumerate(positions.items()):
        at = position or NOWHERE
        values.append(f"({index}, {reader}, %s, %s, CAST(%s AS bigint))")
        parameters += [topic, at.epoch, at.seq]
    with connection.cursor() as sql:
        sql.execute(_read_statement(values, size), parameters)
        rows = sql.fetchall()
    found = dict(zip(positions, (list(its_rows) for _, its_rows in groupby(rows, itemgetter(0))), strict=True))
    readings = {(topic, position): _reading(topic, position, its_rows) for (topic, position), its_rows in found.items()}
    return readings, sorted({topic for (topic, _position), its_rows in found.items() if its_rows[0][4]})


def _read_statement(wanted: Sequence[str], size: int) -> str:
    octets = "length(CAST(walk.data AS blob))" if connection.vendor == "sqlite" else "octet_length(walk.data)"
    return _READ.format(
        wanted=", ".join(wanted),
        page=PAGE,
        unnumbered=unnumbered_events(),
        size=f"coalesce({octets} + {_ENVELOPE}, 0)",
        for_topic=FRAME_BYTES,
        for_reader=size,
        for_all=BATCH_BYTES,
    )


def _reading(topic: str, position: Position | None, rows: list[tuple[Any, ...]]) -> Reading:
    _, epoch, top, pruned_through, *_ = rows[0]
    epoch, top, pruned_through = epoch or "", top or 0, pruned_through or 0
    if position is None:
        return Reading(topic, epoch, top, Position(epoch, top, top))
    if not _continues(position, epoch, top, pruned_through):
        return Reading(topic, epoch, top, Position(epoch, top, top), reset=True)
    events = [_logged(topic, row) for row in rows if row[5] is not None]
    reached = Position(epoch, position.start, position.seq + len(events))
    return Reading(topic, epoch, top, reached, events=events)


def _continues(position: Position, epoch: str, top: int, pruned_through: int) -> bool:
    same_stream = position.epoch == epoch or (position.epoch == "" and position.seq == 0)
    return same_stream and pruned_through <= position.seq <= top


def _logged(topic: str, row: tuple[Any, ...]) -> LoggedEvent:
    *_, seq, kind, data, created = row
    # SQLite stores no time zone, and Django writes UTC.
    return LoggedEvent(topic, seq, kind, data, created if created.tzinfo else created.replace(tzinfo=UTC))
