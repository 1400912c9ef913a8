"""Count rows within a time limit. Beyond it, estimate, so that a form about a million people stays quick."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.transaction import atomic

_AT_LEAST = 10_000
"""Rows counted in place of all, on a database that cannot estimate."""
_AT_LEAST_SECONDS = 0.02
_STEPS = 10_000
"""Steps of SQLite's virtual machine, some hundred microseconds, between two looks at the clock."""
_CANCELLED = "57014"


class Precision(Enum):
    EXACT = "exact"
    ABOUT = "about"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True)
class RowCount:
    number: int
    precision: Precision = Precision.EXACT

    @property
    def rounded(self) -> int:
        """Return the number, or its first two digits if it is an estimate."""
        if self.precision is Precision.EXACT:
            return self.number
        return round(self.number, 2 - len(str(self.number)))


def quick_count(rows: QuerySet[Any, Any], seconds: float) -> RowCount | None:
    """Return the number of rows, counted within this time or else estimated. None if neither can be done.

    PostgreSQL estimates by its plan. SQLite has no estimates, so there the answer is a number that they exceed.
    """
    connection = connections[rows.db]
    counted = _count(connection, rows, seconds) if seconds > 0 else None
    if counted is not None:
        return RowCount(counted)
    if connection.vendor == "postgresql":
        return RowCount(_planned(rows), Precision.ABOUT)
    some = _count(connection, rows.order_by()[:_AT_LEAST], _AT_LEAST_SECONDS)
    if some is None:
        return None
    return RowCount(some, Precision.AT_LEAST if some == _AT_LEAST else Precision.EXACT)


def _planned(rows: QuerySet[Any, Any]) -> int:
    [plan] = json.loads(rows.order_by().explain(format="json"))
    return int(plan["Plan"]["Plan Rows"])


def _count(connection: BaseDatabaseWrapper, rows: QuerySet[Any, Any], seconds: float) -> int | None:
    try:
        with time_limit(connection, seconds):
            return rows.count()
    except OperationalError as error:
        if not is_over_time(error):
            raise
        return None


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
    cause = error.__cause__
    return getattr(cause, "sqlstate", "") == _CANCELLED or str(cause) == "interrupted"
