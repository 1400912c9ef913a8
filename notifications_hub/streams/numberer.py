"""The numberer: the thread that numbers a process's events after their commits, so that no caller waits for it.

It guarantees nothing: the sweeper numbers all that is left when the process ends or is killed.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Collection
from functools import partial

from django.db import connections

from notifications_hub.database.pooling import release_connections
from notifications_hub.database.primary import connection
from notifications_hub.database.reconnect import run_with_reconnect
from notifications_hub.streams.leftovers import sweep_if_late
from notifications_hub.streams.sequencer import number
from notifications_hub.telemetry import measures
from notifications_hub.web.site_paths import use_script_name

IDLE_SECONDS = 60.0
"""Time that the numberer keeps its thread and its database connection while it is idle."""
EXIT_SECONDS = 5.0
"""Time that an exiting process waits for its events to be numbered. Another process's sweeper numbers the rest."""

log = logging.getLogger(__name__)


def number_soon(topics: Collection[str]) -> None:
    """Number these topics in the background, batched with the topics of other commits, so that no caller waits.

    On SQLite number them at once: it has one writer, and a background thread would have to wait for it.
    """
    if connection.vendor == "sqlite":
        with measures.timed(measures.numbering_time):
            number(topics)
    else:
        numberer.add_topics(topics)


def run_soon(chore: Callable[[], object], seconds: float = 0.0) -> None:
    """Run a chore in the background, after the next numbering and these seconds. On SQLite run it now.

    It runs once, however often it is added before it starts.
    """
    if connection.vendor == "sqlite":
        chore()
    else:
        numberer.add_chore(chore, seconds)


class Numberer:
    """The background thread of a process. It starts with the first topic and ends after `IDLE_SECONDS` without work."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Reset the state, also after a fork: the topics are the parent's, and a fork copies no threads."""
        self._changed = threading.Condition()
        self._waiting: set[str] = set()
        self._waiting_since = 0.0
        self._chores: dict[Callable[[], object], float] = {}
        self._working = False
        self._finishing = False
        self._ending = False
        self._thread: threading.Thread | None = None

    @property
    def at_work(self) -> bool:
        """True while there is a thread, which holds a database connection."""
        return self._thread is not None and self._thread.is_alive()

    def add_topics(self, topics: Collection[str]) -> None:
        with self._changed:
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting.update(topics)
            self._wake()

    def add_chore(self, chore: Callable[[], object], seconds: float = 0.0) -> None:
        """Add a chore, as `run_soon` does."""
        with self._changed:
            if chore not in self._chores:
                self._chores[chore] = time.monotonic() + seconds
                self._wake()

    def finish(self, seconds: float) -> bool:
        """Finish all work, for at most these seconds. Chores run at once. Return False if some work is left."""
        with self._changed:
            self._finishing = True
            self._changed.notify_all()
            is_done = self._changed.wait_for(lambda: not self._has_work() and not self._working, seconds)
            self._finishing = False
            return is_done

    def end(self, seconds: float) -> None:
        """Finish all work and end the thread, which closes its database connection. Later work starts another thread.

        Wait for at most these seconds.
        """
        thread = self._thread
        if thread is None:
            return
        self._ending = True
        self.finish(seconds)
        thread.join(seconds)
        self._ending = False

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
                _run_step(sweep_if_late)
                release_connections()
        finally:
            connections.close_all()

    def _next(self) -> list[Callable[[], object]]:
        """Return the work that is due, or an empty list after `IDLE_SECONDS` without any; then the thread ends."""
        with self._changed:
            self._working = False
            self._changed.notify_all()
            idle_at = time.monotonic() + IDLE_SECONDS
            while not (work := self._due()) and (self._has_work() or self._may_idle(idle_at)):
                self._changed.wait(min(self._chores.values(), default=idle_at) - time.monotonic())
            self._working = bool(work)
            if not work:
                self._thread = None
            return work

    def _may_idle(self, until: float) -> bool:
        return not self._ending and time.monotonic() < until

    def _due(self) -> list[Callable[[], object]]:
        now = math.inf if self._finishing else time.monotonic()
        due: list[Callable[[], object]] = [chore for chore, at in self._chores.items() if at <= now]
        for chore in due:
            del self._chores[chore]
        if self._waiting:
            due.insert(0, partial(_number_timed, self._waiting, self._waiting_since))
            self._waiting = set()
        return due


def _number_timed(topics: Collection[str], since: float) -> None:
    number(topics)
    measures.numbering_time.observe(time.monotonic() - since)


def _run_step(step: Callable[[], object]) -> None:
    try:
        run_with_reconnect(step)
    except Exception:
        log.exception("Work after a commit failed; the sweeper will number its events")
        connections.close_all()


numberer = Numberer()
atexit.register(lambda: numberer.finish(EXIT_SECONDS))
os.register_at_fork(after_in_child=numberer.forget)
