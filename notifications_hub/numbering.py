"""Gives events their numbers, after the commit that made them.

A short transaction of its own locks the topics' streams and numbers what has no number `top + 1 … top + n`. Anyone may
do it at any time: `number_soon` after a commit, a reader that meets an event without a number, the sweeper.

`numbered` is sent after such a transaction, with the new tops. It is a hint: nothing may depend on hearing it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial

from django.db import InterfaceError, OperationalError, connection, connections, transaction
from django.dispatch import Signal

from notifications_hub.connections import give_back
from notifications_hub.events import Event, Stream
from notifications_hub.paths import use_script_name

TOPICS_AT_ONCE = 1000
IDLE_SECONDS = 60.0
"""How long the numberer keeps its thread and its database connection when there is nothing to do."""
EXIT_SECONDS = 5.0
"""How long a process that exits may wait for its events to be numbered; the sweeper of another does what is left."""

log = logging.getLogger(__name__)

numbered = Signal()
"""Sent with `tops`, a mapping of topic to its new top, outside any transaction."""


def number_soon(topics: Collection[str]) -> None:
    """Whoever commits waits for nothing but their commit, and what many commit meanwhile is numbered together.

    Not on SQLite: it has one writer, which a numberer would have to wait for.
    """
    if connection.vendor == "sqlite":
        number(topics)
    else:
        numberer.take(topics)


def soon(chore: Callable[[], object]) -> None:
    """Has something done that makes events, in the background too and before the numbering. PostgreSQL only."""
    numberer.take_on(chore)


def number(topics: Collection[str], *, skip_locked: bool = False) -> None:
    """Gives every committed event of these topics its number. A thousand topics are one transaction."""
    ordered = sorted(topics)
    for first in range(0, len(ordered), TOPICS_AT_ONCE):
        tops = _number_some(ordered[first : first + TOPICS_AT_ONCE], skip_locked=skip_locked)
        if tops:
            numbered.send_robust(sender=Stream, tops=tops)


def number_everything() -> None:
    """What the sweeper does: finds what a killed process left behind."""
    while topics := list(Event.objects.filter(seq=None).values_list("topic", flat=True).distinct()[:TOPICS_AT_ONCE]):
        number(topics)


def _number_some(topics: Collection[str], *, skip_locked: bool) -> dict[str, int]:
    tops: dict[str, int] = {}
    while topics and (grown := _look(topics)):
        # In the order of their names, or two numberers that make the same ones could wait for each other.
        if missing := [Stream(topic=topic) for topic, stream in grown.items() if stream is None]:
            Stream.objects.bulk_create(missing, ignore_conflicts=True)
        tops |= _give_numbers(list(grown), skip_locked=skip_locked)
        if skip_locked:
            break
        # Who had to wait for another numberer looks again.
        topics = grown.keys() - tops.keys()
    return tops


# A reader or the sweeper may have been first, or a savepoint was rolled back: then there is nothing to number.
_LOOK = """
    SELECT event.topic, stream.id
    FROM (SELECT DISTINCT topic FROM notifications_hub_event WHERE seq IS NULL AND topic IN ({topics})) AS event
    LEFT JOIN notifications_hub_stream stream ON stream.topic = event.topic
    ORDER BY event.topic
"""


def _look(topics: Collection[str]) -> dict[str, int | None]:
    with connection.cursor() as sql:
        sql.execute(_LOOK.format(topics=_places(topics)), list(topics))
        return dict(sql.fetchall())


def _give_numbers(topics: Sequence[str], *, skip_locked: bool) -> dict[str, int]:
    """Topic to its new top. A topic that another numbered since we began is not in it."""
    if connection.vendor == "sqlite":
        with transaction.atomic(), connection.cursor() as sql:
            sql.execute(_GIVE_NUMBERS.format(topics=_places(topics)), topics)
            sql.execute(_MOVE_TOPS.format(topics=_places(topics)), topics)
            return dict(sql.fetchall())
    with connection.cursor() as sql:
        locking = "SKIP LOCKED" if skip_locked else ""
        sql.execute(_LOCK_AND_NUMBER.format(topics=_places(topics), locking=locking), [*topics, *topics])
        return dict(sql.fetchall())


# One statement is one round trip. It sees the events of the moment it began, but a stream that it had to wait for as
# that is now: where the two do not belong together (`seen`), it leaves the topic alone. Streams are locked in ascending
# order, for the reason above.
_LOCK_AND_NUMBER = """
    WITH seen AS (
        SELECT id, top FROM notifications_hub_stream WHERE topic IN ({topics})
    ), locked AS (
        SELECT id, topic, top FROM notifications_hub_stream WHERE topic IN ({topics})
        ORDER BY id FOR NO KEY UPDATE {locking}
    ), given AS (
        SELECT event.id, locked.top + row_number() OVER (PARTITION BY event.topic ORDER BY event.id) AS seq
        FROM locked JOIN seen ON seen.id = locked.id AND seen.top = locked.top
        JOIN notifications_hub_event event ON event.topic = locked.topic AND event.seq IS NULL
    ), given_numbers AS (
        UPDATE notifications_hub_event SET seq = given.seq FROM given WHERE notifications_hub_event.id = given.id
        RETURNING topic, notifications_hub_event.seq
    )
    UPDATE notifications_hub_stream SET top = moved.top
    FROM (SELECT topic, max(seq) AS top FROM given_numbers GROUP BY topic) AS moved
    WHERE notifications_hub_stream.topic = moved.topic
    RETURNING notifications_hub_stream.topic, notifications_hub_stream.top
"""
# Here one transaction writes at a time, and what it sees nobody changes.
_GIVE_NUMBERS = """
    UPDATE notifications_hub_event SET seq = given.seq
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


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


class Numberer:
    """One thread a process, from the first topic that it is handed until nobody has needed it for a while.

    It owes nobody anything: what it has not done when its process ends, by whatever means, the sweeper finds.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Also in a process that was just forked: the topics are its parent's, and no thread was forked along."""
        self._changed = threading.Condition()
        self._waiting: set[str] = set()
        self._chores: set[Callable[[], object]] = set()
        self._working = False
        self._thread: threading.Thread | None = None

    @property
    def at_work(self) -> bool:
        """Whether there is a thread, which holds a database connection."""
        return self._thread is not None and self._thread.is_alive()

    def take(self, topics: Collection[str]) -> None:
        with self._changed:
            self._waiting.update(topics)
            self._wake()

    def take_on(self, chore: Callable[[], object]) -> None:
        """Done once, however often it is handed over meanwhile."""
        with self._changed:
            self._chores.add(chore)
            self._wake()

    def finish(self, seconds: float) -> bool:
        """Waits until everything that it was handed has been dealt with. Gives whether it has."""
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
                    _do_or_leave(step)
                give_back()
        finally:
            connections.close_all()

    def _next(self) -> list[Callable[[], object]]:
        """What has come meanwhile; nothing once nothing has come for so long that the thread ends."""
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


def _do_or_leave(step: Callable[[], object]) -> None:
    try:
        try:
            step()
        except (OperationalError, InterfaceError) as error:
            log.info("Once more on a new database connection: %s", error)
            connections.close_all()
            step()
    except Exception:
        log.exception("Events were not made or numbered; the sweeper will")
        connections.close_all()


numberer = Numberer()
atexit.register(lambda: numberer.finish(EXIT_SECONDS))
os.register_at_fork(after_in_child=numberer.forget)
