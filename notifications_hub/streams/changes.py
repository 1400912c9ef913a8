"""Changes of the log: the topics that got numbers since the last question, whatever number of topics there is.

Each hub asks once a second, because hints may be lost. Each event has the id of the transaction that numbered it, so
PostgreSQL returns exactly the events that the last snapshot did not see, also if they were numbered before it and
committed later. SQLite has one writer, so there an id is a mark: every event up to it has had its number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from notifications_hub.database.primary import connection
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.snapshots import NEXT_XID, SERVER, SNAPSHOT, Snapshot, events_unseen

Mark = Snapshot | int
"""How far the log was seen: a snapshot on PostgreSQL, the id of an event on SQLite."""

NOWHERE = Position("", 0, 2**62)
"""A position that no stream is at."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Epoch and top of the topics that changed up to `mark`. Unless `is_complete`, any other may have changed too."""

    mark: Mark
    tops: Mapping[str, tuple[str, int]]
    is_complete: bool


def changes_since(mark: Mark | None) -> Changes:
    """Return the changes since a mark. They are not complete without one, or if the database is not the same."""
    on_sqlite = connection.vendor == "sqlite"
    statement = _CHANGES_ON_SQLITE if on_sqlite else _CHANGES
    with connection.cursor() as sql:
        sql.execute(statement.format(snapshot=SNAPSHOT, server=SERVER, new=_new_events(mark)))
        [(text, server, _), *changed] = sorted(sql.fetchall(), key=lambda row: row[2] is not None)
    now = int(text) if on_sqlite else Snapshot.parse(text, server)
    tops = {topic: (epoch, top) for topic, epoch, top in changed}
    return Changes(now, tops, is_complete=_follows(mark, now))


def _new_events(mark: Mark | None) -> str:
    if isinstance(mark, Snapshot):
        # Rows from another server's backup may have ids of the future.
        return events_unseen(mark, f"seq IS NOT NULL AND xid < {NEXT_XID}")
    return events_unseen(None, "seq IS NOT NULL AND " + ("1 = 0" if mark is None else f"id > {mark}"))


def _follows(before: Mark | None, now: Mark) -> bool:
    if isinstance(before, Snapshot) and isinstance(now, Snapshot):
        return before.precedes(now)
    return isinstance(before, int) and isinstance(now, int) and before <= now


# One row is the mark, without a number. The others are topics. OFFSET 0 makes PostgreSQL look each up in the index.
_CHANGES = """
    SELECT {snapshot}, {server}, CAST(NULL AS bigint)
    UNION ALL
    SELECT stream.topic, stream.epoch, stream.top
    FROM (SELECT DISTINCT topic FROM {new} AS new) AS changed
    CROSS JOIN LATERAL (
        SELECT topic, epoch, top FROM notifications_hub_stream WHERE topic = changed.topic OFFSET 0
    ) AS stream
"""
# The mark stays below an event that waits for its number, so the question after its numbering finds it. SQLite never
# gives an id of this table twice, and keeps the last one in `sqlite_sequence`.
_CHANGES_ON_SQLITE = """
    SELECT coalesce(
        (SELECT min(id) - 1 FROM notifications_hub_event WHERE seq IS NULL),
        (SELECT seq FROM sqlite_sequence WHERE name = 'notifications_hub_event'), 0
    ), '', NULL
    UNION ALL
    SELECT stream.topic, stream.epoch, stream.top
    FROM (SELECT DISTINCT topic FROM {new} AS new) AS changed
    JOIN notifications_hub_stream stream ON stream.topic = changed.topic
"""

# Unchanged topics are not fetched. JSON is the one form in which both databases take a table as a single parameter.
_MOVED = """
    SELECT stream.topic, stream.epoch, stream.top
    FROM json_array_elements(CAST(%s AS json)) AS known(value)
    JOIN notifications_hub_stream stream ON stream.topic = known.value->>0
    WHERE stream.epoch <> known.value->>1 OR stream.top <> CAST(known.value->>2 AS bigint)
"""
_MOVED_ON_SQLITE = """
    SELECT stream.topic, stream.epoch, stream.top
    FROM json_each(%s) AS known
    JOIN notifications_hub_stream stream ON stream.topic = json_extract(known.value, '$[0]')
    WHERE stream.epoch <> json_extract(known.value, '$[1]') OR stream.top <> json_extract(known.value, '$[2]')
"""


def moved(positions: Mapping[str, Position | None]) -> dict[str, tuple[str, int]]:
    """Return epoch and top of the topics that are not at these positions. The cost is that of all these topics."""
    wanted = [(topic, at.epoch, at.seq) for topic, at in ((topic, at or NOWHERE) for topic, at in positions.items())]
    with connection.cursor() as sql:
        sql.execute(_MOVED_ON_SQLITE if connection.vendor == "sqlite" else _MOVED, [json.dumps(wanted)])
        return {topic: (epoch, top) for topic, epoch, top in sql.fetchall()}
