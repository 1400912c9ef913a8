"""The settled part of the log: a snapshot in which every event of this database has its number.

A query for unnumbered events asks only about later ones. Without that bound it would walk over the index entries of all
events that were numbered while a long transaction, such as pg_dump's, keeps PostgreSQL from removing them. The sweeper
moves the snapshot each second. It is a fact about the database, so a thread may use an older one at any time.
"""

from __future__ import annotations

from notifications_hub.streams.snapshots import Snapshot, events_unseen

_snapshot: Snapshot | None = None


def settled_snapshot() -> Snapshot | None:
    """Return the snapshot, or None if this process has not swept yet, or uses SQLite."""
    return _snapshot


def set_settled(snapshot: Snapshot | None) -> None:
    global _snapshot  # noqa: PLW0603 -- one fact per process
    _snapshot = snapshot


def unnumbered_events() -> str:
    """Return an SQL subquery of the events that wait for their number."""
    return events_unseen(_snapshot, "seq IS NULL")
