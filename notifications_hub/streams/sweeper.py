"""What is looked after each second in every hub and worker, so that no promise hangs on a process that was killed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import Error

from notifications_hub import streams
from notifications_hub.database.primary import connection
from notifications_hub.database.reconnect import CONNECTION_ERRORS

Chore = Callable[[], object]
Key = TypeVar("Key", bound=Hashable)

MOST_RESTING = 1000
"""Beyond so many failures of one sort at once the oldest are tried again before their time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Rest:
    seconds: float
    until: float


class Isolation(Generic[Key]):
    """Keeps what fails from its neighbours. It rests before the next try, each time for twice as long.

    Kept in memory, for this process alone: a row for it would have to be written where writing may be what fails.
    """

    def __init__(self, *, longest: float) -> None:
        self._longest = longest
        self._rests: dict[Key, _Rest] = {}

    def resting(self) -> list[Key]:
        """Return the keys of what must not be tried now."""
        now = time.monotonic()
        return [key for key, rest in list(self._rests.items()) if rest.until > now]

    @contextmanager
    def of(self, key: Key, name: str) -> Iterator[None]:
        """Log what fails in the block, the first time. Raises only the error of a database that is away."""
        try:
            yield
        except CONNECTION_ERRORS as error:
            if not _database_answers():
                raise
            self._failed(key, name, error)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the neighbours have nothing to do with it
            self._failed(key, name, error)
        else:
            self._rests.pop(key, None)

    def _failed(self, key: Key, name: str, error: Exception) -> None:
        before = self._rests.get(key)
        if before is None:
            log.error("%s failed. It is tried again, ever less often; this is said once", name, exc_info=error)
        seconds = min(self._longest, 1.0 if before is None else before.seconds * 2)
        rests = {other: rest for other, rest in self._rests.items() if other != key}
        # The newest, as what is gone is never tried again, and a query leaves these out by name.
        kept = list(rests.items())[-(MOST_RESTING - 1) :]
        self._rests = {**dict(kept), key: _Rest(seconds, time.monotonic() + seconds)}


def _database_answers() -> bool:
    """On this connection, or on a new one where only this connection was lost."""
    try:
        if connection.connection is not None and not connection.is_usable():
            connection.close()
        connection.ensure_connection()
    except Error:
        return False
    return True


_chores: list[Chore] = [streams.number_everything]
_isolation: Isolation[Chore] = Isolation(longest=60.0)


def every_second(chore: Chore) -> Chore:
    """Registers a chore. It must be cheap when there is nothing to do, and safe to run in several processes at once."""
    if chore not in _chores:
        _chores.append(chore)
    return chore


def sweep() -> None:
    """Raises `OperationalError` or `InterfaceError` where the database is away; other faults stay with their chore."""
    resting = _isolation.resting()
    for chore in _chores:
        if chore not in resting:
            with _isolation.of(chore, f"The chore {chore!r}"):
                chore()
