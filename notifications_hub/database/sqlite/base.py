"""The backend, in the module that Django imports for an engine. `docs/settings.md` shows the settings.

SQLite has one writer. A connection that finds it busy sleeps, up to 100 ms a time, and newcomers go first meanwhile.
Under the load of a small office a reply waited for seconds. Here the threads of a process take turns, so SQLite's own
lock decides only between processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.sqlite3 import base

from notifications_hub.database.sqlite.writer_queue import WriterQueue, queue_of

_SQLITE_SECONDS = 5.0
"""The timeout of Python's `sqlite3` if none is set."""
_WRITES = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


class QueuedCursor(base.SQLiteCursorWrapper):
    """A cursor that queues for a statement that writes outside a transaction."""

    database: DatabaseWrapper

    def execute(self, query: str, params: Any = None) -> Any:
        with self.database.turn_for(query):
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        with self.database.turn_for(query):
            return super().executemany(query, param_list)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose immediate transactions and single writes queue within the process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn: WriterQueue | None = None

    def create_cursor(self, name: str | None = None) -> QueuedCursor:
        cursor: QueuedCursor = self.connection.cursor(factory=QueuedCursor)
        cursor.database = self
        return cursor

    @contextmanager
    def turn_for(self, query: str) -> Iterator[None]:
        """Hold the queue during a statement that is a transaction of its own and writes."""
        if self._turn or self.in_atomic_block or not _WRITES.match(query):
            yield
            return
        self._take_turn()
        try:
            yield
        finally:
            self._end_turn()

    def _start_transaction_under_autocommit(self) -> None:
        # A deferred transaction may only read, and then needs no turn.
        if self.transaction_mode in ("IMMEDIATE", "EXCLUSIVE"):  # type: ignore[attr-defined]  # Django's own, unknown to its stubs
            self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # as above
        except BaseException:  # Ctrl-C too: a turn that is kept would stop every other writer
            self._end_turn()
            raise

    def _commit(self) -> None:
        # If it fails, the transaction is still open until the rollback.
        super()._commit()  # type: ignore[misc]  # as above
        self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # as above
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # as above
        finally:
            self._end_turn()

    def _take_turn(self) -> None:
        """Wait for the turn. After the timeout go on without it: then SQLite's lock decides, and raises its error."""
        if self._turn or self.is_in_memory_db():
            return
        queue = queue_of(str(self.settings_dict["NAME"]))
        if queue.acquire(self.settings_dict["OPTIONS"].get("timeout", _SQLITE_SECONDS)):
            self._turn = queue

    def _end_turn(self) -> None:
        if self._turn is not None:
            queue, self._turn = self._turn, None
            queue.release()
