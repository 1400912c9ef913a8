"""The sweep of unnumbered events, which a killed process left behind or a running one is about to number."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from notifications_hub.database.primary import connection
from notifications_hub.streams.models import Event
from notifications_hub.streams.sequencer import TOPICS_AT_ONCE, number
from notifications_hub.streams.settled import set_settled, settled_snapshot, unnumbered_events
from notifications_hub.streams.snapshots import NEXT_XID, SERVER, SNAPSHOT, Snapshot, events_unseen

FULL_SECONDS = 60.0
"""Interval of a sweep without a lower bound. It finds rows that a restore put below the bound."""

LATE_SECONDS = 2.0
"""Age of the last sweep after which a process without a sweeper, such as a WSGI server, sweeps when it numbers."""

_last_full = -FULL_SECONDS
_last_sweep = -LATE_SECONDS

_ANY_BEFORE = "SELECT 1 FROM {late} AS late WHERE created < %s LIMIT 1"
_LATE_TOPICS = """
    SELECT {snapshot}, {server}, ARRAY(
        SELECT DISTINCT topic FROM {late} AS late LIMIT {most}
    )
"""


def number_everything() -> None:
    """Number the events that a killed process left behind. The sweeper calls this each second.

    Events that arrive during a run are left for the next second, so that fast writers cannot keep it busy.
    """
    global _last_sweep  # noqa: PLW0603 -- one per process, like the bound itself
    if connection.vendor == "sqlite":
        _number_by_name()
        return
    _last_sweep = time.monotonic()
    since = _lower_bound()
    topics, snapshot = _late_topics(since)
    if since is not None and not since.precedes(snapshot):
        since = None
        topics, snapshot = _late_topics(None)
    if since is None and topics:
        # Other statements must find these events too.
        set_settled(None)
    if len(topics) < TOPICS_AT_ONCE:
        number(topics)
    else:
        _number_by_name()
    if not connection.in_atomic_block:
        set_settled(snapshot)


def is_late(seconds: float) -> bool:
    """Return whether an event has waited for its number for so long. Stop at the first that has."""
    before = connection.ops.adapt_datetimefield_value(datetime.now(UTC) - timedelta(seconds=seconds))
    with connection.cursor() as sql:
        sql.execute(_ANY_BEFORE.format(late=unnumbered_events()), [before])
        return sql.fetchone() is not None


def sweep_if_late() -> None:
    """Sweep if this process has not done so for `LATE_SECONDS`, so that its bound stays close."""
    if time.monotonic() - _last_sweep >= LATE_SECONDS:
        number_everything()


def _lower_bound() -> Snapshot | None:
    global _last_full  # noqa: PLW0603 -- one per process, like the bound itself
    now = time.monotonic()
    if now - _last_full >= FULL_SECONDS:
        _last_full = now
        return None
    return settled_snapshot()


def _late_topics(since: Snapshot | None) -> tuple[list[str], Snapshot]:
    """Return at most `TOPICS_AT_ONCE` topics with unnumbered events, and the snapshot of the query."""
    # PostgreSQL cannot match the first condition with the index of unnumbered events, whose dead entries it would read.
    # A restored log may have ids of the future. Those that lack a number are left to the sweep without a bound.
    late = events_unseen(since, f"coalesce(seq, 0) = 0 AND xid < {NEXT_XID}" if since else "seq IS NULL")
    with connection.cursor() as sql:
        sql.execute(_LATE_TOPICS.format(snapshot=SNAPSHOT, server=SERVER, late=late, most=TOPICS_AT_ONCE))
        text, server, topics = sql.fetchone()
    return topics, Snapshot.parse(text, server)


def _number_by_name() -> None:
    """Number every topic once, in the order of names, with at most `TOPICS_AT_ONCE` names in memory."""
    late = Event.objects.filter(seq=None).order_by("topic").values_list("topic", flat=True).distinct()
    topics = list(late[:TOPICS_AT_ONCE])
    while topics:
        number(topics)
        topics = list(late.filter(topic__gt=topics[-1])[:TOPICS_AT_ONCE]) if len(topics) == TOPICS_AT_ONCE else []
