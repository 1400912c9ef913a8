"""The log: every topic a gapless sequence of events, numbered after commit.

A writer inserts events without a number, inside its own transaction, and touches no shared row: nothing to wait for,
nothing to deadlock with. Once they are committed a short transaction of its own locks the topic's stream and numbers
them `top + 1 … top + n`. So whoever sees number k sees every number below it, on PostgreSQL and on SQLite; a rollback
leaves nothing, and a process killed before it numbered leaves rows that the next reader or the sweeper numbers.

`numbered` is sent after such a transaction, with the new tops. It is a hint: nothing may depend on hearing it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.dispatch import Signal

from notifications_hub.cursor import Position
from notifications_hub.events import (
    BadTopic,
    Event,
    EventTooLarge,
    NewEvent,
    Stream,
    StreamError,
    check_data,
    check_topic,
    inbox_topic,
    prune_many,
)

__all__ = [
    "BadTopic",
    "Event",
    "EventTooLarge",
    "LoggedEvent",
    "NewEvent",
    "Reading",
    "Stream",
    "StreamError",
    "append",
    "append_many",
    "check_data",
    "check_topic",
    "inbox_topic",
    "number",
    "number_everything",
    "numbered",
    "prune",
    "read",
    "tops",
]

PAGE = 200
"""Events of one topic that one read gives."""
_TOPICS_AT_ONCE = 1000

numbered = Signal()
"""Sent with `tops`, a mapping of topic to its new top, outside any transaction."""


# Writing


def append(topic: str, kind: str, data: Mapping[str, Any]) -> None:
    append_many([NewEvent(topic, kind, data)])


def append_many(events: Iterable[NewEvent]) -> None:
    """Logs events in the caller's transaction; they are numbered once it has committed, and gone if it rolls back."""
    now = datetime.now(UTC)
    rows = [
        Event(topic=check_topic(event.topic), kind=event.kind, data=check_data(event.data), created=now)
        for event in events
    ]
    if not rows:
        return
    with transaction.atomic():
        Event.objects.bulk_create(rows, batch_size=1000)
        _number_on_commit({row.topic for row in rows})


_uncommitted: WeakKeyDictionary[BaseDatabaseWrapper, set[str]] = WeakKeyDictionary()


def _number_on_commit(topics: set[str]) -> None:
    # A callback each append, as a savepoint that rolls back takes its callbacks along. The first to run does all;
    # what a rollback left in the set has no events, and costs the next commit nothing.
    database: BaseDatabaseWrapper = transaction.get_connection()
    waiting = _uncommitted.setdefault(database, set())
    waiting |= topics
    transaction.on_commit(partial(_number_waiting, waiting), robust=True)


def _number_waiting(waiting: set[str]) -> None:
    topics = set(waiting)
    waiting.clear()
    if topics:
        number(topics)


# Numbering


def number(topics: Collection[str], *, skip_locked: bool = False) -> None:
    """Gives every committed event of these topics its number. A thousand topics are one transaction."""
    ordered = sorted(topics)
    for first in range(0, len(ordered), _TOPICS_AT_ONCE):
        tops = _number_some(ordered[first : first + _TOPICS_AT_ONCE], skip_locked=skip_locked)
        if tops:
            numbered.send_robust(sender=Stream, tops=tops)


def number_everything() -> None:
    """What the sweeper does: finds what a killed process left behind."""
    while topics := list(Event.objects.filter(seq=None).values_list("topic", flat=True).distinct()[:_TOPICS_AT_ONCE]):
        number(topics)


def _number_some(topics: Sequence[str], *, skip_locked: bool) -> dict[str, int]:
    grown = _with_unnumbered(topics)
    if not grown:
        return {}
    _create_missing_streams(grown)
    with transaction.atomic(durable=True):
        # Ascending ids everywhere, or two numberers of overlapping topics could wait for each other.
        locked = Stream.objects.filter(topic__in=grown).order_by("pk")
        streams = list(locked.select_for_update(no_key=True, skip_locked=skip_locked).values_list("pk", flat=True))
        return _give_numbers(streams) if streams else {}


def _with_unnumbered(topics: Sequence[str]) -> list[str]:
    """Those with something to number: a reader or the sweeper may have been first, or a savepoint was rolled back."""
    unnumbered = Event.objects.filter(topic__in=topics, seq=None)
    return sorted(unnumbered.values_list("topic", flat=True).distinct())


def _create_missing_streams(topics: Sequence[str]) -> None:
    known = set(Stream.objects.filter(topic__in=topics).values_list("topic", flat=True))
    # In the order of their names, for the same reason.
    missing = [Stream(topic=topic) for topic in topics if topic not in known]
    if missing:
        Stream.objects.bulk_create(missing, ignore_conflicts=True)


_GIVE_NUMBERS = """
    UPDATE notifications_hub_event SET seq = given.seq
    FROM (
        SELECT event.id, stream.top + row_number() OVER (PARTITION BY event.topic ORDER BY event.id) AS seq
        FROM notifications_hub_event event JOIN notifications_hub_stream stream ON stream.topic = event.topic
        WHERE event.seq IS NULL AND stream.id IN ({streams})
    ) AS given
    WHERE notifications_hub_event.id = given.id
    RETURNING topic, notifications_hub_event.seq
"""
_MOVE_TOPS = """
    UPDATE notifications_hub_stream SET top =
        (SELECT max(seq) FROM notifications_hub_event event WHERE event.topic = notifications_hub_stream.topic)
    WHERE topic IN ({topics})
"""


def _give_numbers(streams: Sequence[int]) -> dict[str, int]:
    with connection.cursor() as sql:
        sql.execute(_GIVE_NUMBERS.format(streams=_places(streams)), streams)
        tops: dict[str, int] = {}
        for topic, seq in sql.fetchall():
            tops[topic] = max(seq, tops.get(topic, 0))
        if tops:
            sql.execute(_MOVE_TOPS.format(topics=_places(tops)), list(tops))
    return tops


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


# Reading


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """`data` is the JSON as stored, which goes to pages without being decoded. An ephemeral event has no `seq`."""

    topic: str
    seq: int | None
    kind: str
    data: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """A page of one topic. After it the reader stands at `position`; `top` says how much more there is."""

    topic: str
    epoch: str
    top: int
    position: Position
    reset: bool = False
    events: list[LoggedEvent] = field(default_factory=list)

    @property
    def more(self) -> bool:
        return self.position.seq < self.top


# Limits come from gaplessness: a page is a range of numbers, and streams and events are read in one statement, so that
# pruning between the two cannot make a hole.
_READ = """
    WITH want(topic, epoch, seq) AS (VALUES {wanted})
    SELECT want.topic, stream.epoch, stream.top, stream.pruned_through,
           EXISTS (SELECT 1 FROM notifications_hub_event late WHERE late.topic = want.topic AND late.seq IS NULL),
           event.seq, event.kind, event.data, event.created
    FROM want
    LEFT JOIN notifications_hub_stream stream ON stream.topic = want.topic
    LEFT JOIN notifications_hub_event event ON event.topic = want.topic
        AND event.seq > want.seq AND event.seq <= want.seq + {page}
        AND (stream.epoch = want.epoch OR (want.epoch = '' AND want.seq = 0))
    ORDER BY want.topic, event.seq
"""
_NOWHERE = Position("", 0, 2**62)


def read(wanted: Mapping[str, Position | None]) -> list[Reading]:
    """A page of each topic after its position; from now on where there is none. Two statements at most.

    `reset` where the position is of another epoch, beyond the top (a restored backup) or before what was pruned.
    """
    if not wanted:
        return []
    readings, unnumbered = _read_once(wanted)
    if unnumbered and not connection.in_atomic_block:
        number(unnumbered, skip_locked=True)
        readings, _ = _read_once(wanted)
    return readings


def tops(topics: Collection[str]) -> dict[str, tuple[str, int]]:
    """Topic to its epoch and top, for a look whether anything was missed."""
    rows = Stream.objects.filter(topic__in=topics).values_list("topic", "epoch", "top")
    return {topic: (epoch, top) for topic, epoch, top in rows}


def _read_once(wanted: Mapping[str, Position | None]) -> tuple[list[Reading], list[str]]:
    values: list[str] = []
    parameters: list[str | int] = []
    for topic, position in wanted.items():
        at = position or _NOWHERE
        values.append("(%s, %s, CAST(%s AS bigint))")
        parameters += [topic, at.epoch, at.seq]
    with connection.cursor() as sql:
        sql.execute(_READ.format(wanted=", ".join(values), page=PAGE), parameters)
        rows = sql.fetchall()
    readings = [_reading(topic, wanted[topic], list(its_rows)) for topic, its_rows in groupby(rows, itemgetter(0))]
    return readings, sorted({row[0] for row in rows if row[4]})


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
    # SQLite keeps no zone, and Django writes UTC.
    return LoggedEvent(topic, seq, kind, data, created if created.tzinfo else created.replace(tzinfo=UTC))


def prune(topic: str, through: int) -> int:
    """Removes a topic's events up to a number. Gives how many."""
    return prune_many({topic: through})
