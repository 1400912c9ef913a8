"""The log: every topic a gapless sequence of events, numbered after commit.

A writer inserts events without a number, inside its own transaction, and touches no shared row: nothing to wait for,
nothing to deadlock with. Once they are committed `numbering.py` numbers them `top + 1 … top + n`, topic by topic. So
whoever sees number k sees every number below it, on PostgreSQL and on SQLite; a rollback leaves nothing, and a process
killed before it numbered leaves rows that the next reader or the sweeper numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from notifications_hub.conf import require_time_zones
from notifications_hub.cursor import Position
from notifications_hub.events import (
    BadTopic,
    Event,
    EventTooLarge,
    NewEvent,
    Stream,
    StreamError,
    check_topic,
    encode_data,
    inbox_topic,
    prune_many,
)
from notifications_hub.numbering import number, number_everything, number_soon, numbered

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
    "check_topic",
    "encode_data",
    "inbox_topic",
    "moved",
    "number",
    "number_everything",
    "numbered",
    "prune",
    "read",
    "read_many",
]

PAGE = 200
"""Events of one topic that one read gives."""


# Writing


def append(topic: str, kind: str, data: Mapping[str, Any]) -> None:
    append_many([NewEvent(topic, kind, data)])


def append_many(events: Iterable[NewEvent]) -> None:
    """Logs events in the caller's transaction; they are numbered once it has committed, and gone if it rolls back."""
    require_time_zones()
    now = connection.ops.adapt_datetimefield_value(datetime.now(UTC))
    rows = [(check_topic(event.topic), event.kind, encode_data(event.data), now) for event in events]
    if not rows:
        return
    # A statement alone is its own transaction, for one round trip in place of three.
    with transaction.atomic() if len(rows) > _ROWS_AT_ONCE else nullcontext():
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            _insert(rows[first : first + _ROWS_AT_ONCE])
        _number_on_commit({topic for topic, *_ in rows})


# Not by the ORM, which takes longer for a row than the database.
_INSERT = "INSERT INTO notifications_hub_event (topic, kind, data, created) VALUES {rows}"
_ROWS_AT_ONCE = 1000


def _insert(rows: Sequence[tuple[str, str, str, Any]]) -> None:
    with connection.cursor() as sql:
        sql.execute(_INSERT.format(rows=", ".join(["(%s, %s, %s, %s)"] * len(rows))), list(chain.from_iterable(rows)))


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
        number_soon(topics)


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
    WITH want(number, topic, epoch, seq) AS (VALUES {wanted})
    SELECT want.number, stream.epoch, stream.top, stream.pruned_through,
           EXISTS (SELECT 1 FROM notifications_hub_event late WHERE late.topic = want.topic AND late.seq IS NULL),
           event.seq, event.kind, event.data, event.created
    FROM want
    LEFT JOIN notifications_hub_stream stream ON stream.topic = want.topic
    LEFT JOIN notifications_hub_event event ON event.topic = want.topic
        AND event.seq > want.seq AND event.seq <= want.seq + {page}
        AND (stream.epoch = want.epoch OR (want.epoch = '' AND want.seq = 0))
    ORDER BY want.number, event.seq
"""
_NOWHERE = Position("", 0, 2**62)

_Place = tuple[str, Position | None]


def read(wanted: Mapping[str, Position | None]) -> list[Reading]:
    """A page of each topic after its position; from now on where there is none. Two statements at most.

    `reset` where the position is of another epoch, beyond the top (a restored backup) or before what was pruned.
    """
    return read_many([wanted])[0]


def read_many(wanted: Sequence[Mapping[str, Position | None]]) -> list[list[Reading]]:
    """What each of many readers would read, in as many statements as for one."""
    places = list({place: None for one in wanted for place in one.items()})
    readings, unnumbered = _read_once(places) if places else ({}, [])
    if unnumbered and not connection.in_atomic_block:
        number(unnumbered, skip_locked=True)
        readings, _ = _read_once(places)
    return [[readings[place] for place in one.items()] for one in wanted]


# Each second it is asked of every topic that somebody listens to, so those that stay where they are are not even
# fetched. JSON is what both databases take a table in, as one parameter.
_MOVED = """
    SELECT stream.topic, stream.epoch, stream.top
    FROM json_array_elements(CAST(%s AS json)) AS place(value)
    JOIN notifications_hub_stream stream ON stream.topic = place.value->>0
    WHERE stream.epoch <> place.value->>1 OR stream.top <> CAST(place.value->>2 AS bigint)
"""
_MOVED_ON_SQLITE = """
    SELECT stream.topic, stream.epoch, stream.top
    FROM json_each(%s) AS place
    JOIN notifications_hub_stream stream ON stream.topic = json_extract(place.value, '$[0]')
    WHERE stream.epoch <> json_extract(place.value, '$[1]') OR stream.top <> json_extract(place.value, '$[2]')
"""


def moved(places: Mapping[str, Position | None]) -> dict[str, tuple[str, int]]:
    """Epoch and top of the topics that do not stand at these places, for a look whether anything was missed."""
    wanted = [(topic, at.epoch, at.seq) for topic, at in ((topic, at or _NOWHERE) for topic, at in places.items())]
    with connection.cursor() as sql:
        sql.execute(_MOVED_ON_SQLITE if connection.vendor == "sqlite" else _MOVED, [json.dumps(wanted)])
        return {topic: (epoch, top) for topic, epoch, top in sql.fetchall()}


def _read_once(places: Sequence[_Place]) -> tuple[dict[_Place, Reading], list[str]]:
    values: list[str] = []
    parameters: list[str | int] = []
    for index, (topic, position) in enumerate(places):
        at = position or _NOWHERE
        values.append(f"({index}, %s, %s, CAST(%s AS bigint))")
        parameters += [topic, at.epoch, at.seq]
    with connection.cursor() as sql:
        sql.execute(_READ.format(wanted=", ".join(values), page=PAGE), parameters)
        rows = sql.fetchall()
    found = {places[index]: list(its_rows) for index, its_rows in groupby(rows, itemgetter(0))}
    readings = {(topic, position): _reading(topic, position, its_rows) for (topic, position), its_rows in found.items()}
    return readings, sorted({topic for (topic, _position), its_rows in found.items() if its_rows[0][4]})


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
