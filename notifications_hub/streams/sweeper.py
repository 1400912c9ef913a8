"""The sweeper: chores that every process runs each second, to finish the work of a killed one. Some run less often."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import Error

from notifications_hub import streams
from notifications_hub.database.primary import connection
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.telemetry import measures

Chore = Callable[[], object]
Key = TypeVar("Key", bound=Hashable)

SECONDS = 0.9
"""The least time between two sweeps of a process. Each of its threads calls every second, or a little later."""
PATIENT_SECONDS = 5.0
"""The least time between two sweeps that include the patient chores."""
MAX_RESTING = 1000
"""The most failed keys that rest at once. Beyond this many, the oldest are retried early."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Rest:
    seconds: float
    until: float


class Isolation(Generic[Key]):
    """A guard that keeps a failing task from its neighbours. Before each retry the task rests twice as long.

    Rests are kept in this process's memory. A row could not be relied on, because writing may be the thing that fails.
    """

    def __init__(self, *, longest: float) -> None:
        self._longest = longest
        self._rests: dict[Key, _Rest] = {}

    def resting(self) -> list[Key]:
        """Return the keys that must not be tried now."""
        now = time.monotonic()
        return [key for key, rest in list(self._rests.items()) if rest.until > now]

    @contextmanager
    def guard(self, key: Key, name: str) -> Iterator[None]:
        """Log the block's first failure. Re-raise only connection errors, if the database is unreachable."""
        try:
            yield
        except CONNECTION_ERRORS as error:
            if not _database_answers():
                raise
            self._failed(key, name, error)
        except Exception as error:  # noqa: BLE001 -- no fault of one task may reach its neighbours
            self._failed(key, name, error)
        else:
            self._rests.pop(key, None)

    def _failed(self, key: Key, name: str, error: Exception) -> None:
        measures.failed_chores.inc()
        before = self._rests.get(key)
        if before is None:
            log.error("%s failed. It will be retried, less and less often; this is logged once", name, exc_info=error)
        seconds = min(self._longest, 1.0 if before is None else before.seconds * 2)
        rests = {other: rest for other, rest in self._rests.items() if other != key}
        # Keep the newest: a key whose row is gone is never retried, and queries exclude the resting keys by name.
        kept = list(rests.items())[-(MAX_RESTING - 1) :]
        self._rests = {**dict(kept), key: _Rest(seconds, time.monotonic() + seconds)}


def _database_answers() -> bool:
    """Return whether the database answers, on a new connection if only this one was lost."""
    try:
        if connection.connection is not None and not connection.is_usable():
            connection.close()
        connection.ensure_connection()
    except Error:
        return False
    return True


_chores: list[Chore] = [streams.number_everything]
_patient: list[Chore] = []
_isolation: Isolation[Chore] = Isolation(longest=60.0)


def every_second(chore: Chore) -> Chore:
    """Register a chore. It must be cheap when idle, and safe to run in several processes at once."""
    if chore not in _chores:
        _chores.append(chore)
    return chore


def every_few_seconds(chore: Chore) -> Chore:
    """Register a chore that nobody waits for. It too must be cheap when idle, and safe in several processes at once."""
    if chore not in _patient:
        _patient.append(chore)
    return chore


def sweep() -> None:
    """Run all chores that do not rest. Raise a connection error only if the database is unreachable."""
    _run([*_chores, *_patient])


def _run(chores: Iterable[Chore]) -> None:
    resting = _isolation.resting()
    with measures.timed(measures.sweep_time):
        for chore in chores:
            if chore not in resting:
                with _isolation.guard(chore, f"The chore {chore!r}"):
                    chore()


class _Turns:
    """The time of the last sweeps of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._last = self._last_patient = -math.inf

    def due(self) -> list[Chore]:
        """Return the chores whose time has come. The caller runs them: the next call does not name them again."""
        now = time.monotonic()
        with self._lock:
            if now - self._last < SECONDS:
                return []
            self._last = now
            if now - self._last_patient < PATIENT_SECONDS:
                return list(_chores)
            self._last_patient = now
            return [*_chores, *_patient]


_turns = _Turns()


def sweep_in_turn() -> None:
    """Run the chores whose time has come. The hub and the worker of a process call this, and the first one sweeps.

    If a chore hangs in one thread, the other sweeps a second later. Raise a connection error only if the database is
    unreachable. The next call then tries again at once.
    """
    if due := _turns.due():
        try:
            _run(due)
        except Exception:
            _turns.forget()
            raise
