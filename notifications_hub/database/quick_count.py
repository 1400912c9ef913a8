"""Count rows within a time limit. Beyond it, estimate, so that a form about a million people stays quick."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from notifications_hub.database.time_limit import is_over_time, time_limit

_AT_LEAST = 10_000
"""Rows counted in place of all, on a database that cannot estimate."""
_AT_LEAST_SECONDS = 0.02


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
