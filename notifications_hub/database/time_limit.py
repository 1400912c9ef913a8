"""A time limit for statements of a block, on PostgreSQL and SQLite."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

_STEPS = 10_000
"""Steps of SQLite's virtual machine, some hundred microseconds, between two looks at the clock."""
_CANCELLED = "57014"


@contextmanager
def time_limit(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """End statements of the block that run for longer than this. They raise `OperationalError`."""
    if connection.vendor == "postgresql":
        yield from _limited_on_postgresql(connection, seconds)
    elif connection.vendor == "sqlite":
        yield from _limited_on_sqlite(connection, seconds)
    else:
        yield


def _limited_on_postgresql(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    # The savepoint keeps the caller's transaction alive, and rolls the setting back.
    with atomic(using=connection.alias):
        with connection.cursor() as sql:
            sql.execute("SELECT current_setting('statement_timeout')")
            [before] = sql.fetchone()
            sql.execute("SELECT set_config('statement_timeout', %s, true)", [f"{max(1, round(seconds * 1000))}ms"])
        yield
        with connection.cursor() as sql:
            sql.execute("SELECT set_config('statement_timeout', %s, true)", [before])


def _limited_on_sqlite(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    database: Any = connection.connection
    until = time.monotonic() + seconds
    database.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        yield
    finally:
        database.set_progress_handler(None, 0)


def is_over_time(error: OperationalError) -> bool:
    """Return whether a statement ended because of its time limit."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", "") == _CANCELLED or str(cause) == "interrupted"
