"""A clock that a test moves: this process's, and the database's in the statements of this thread's connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

import time_machine
from django.db import connection

# As Django spells `Now()` on PostgreSQL and on SQLite, and as raw SQL of the package does.
_NOW = re.compile(r"statement_timestamp\(\)|strftime\('%+Y-%+m-%+d %+H:%+M:%+f', 'NOW'\)", re.IGNORECASE)


class Clock(Protocol):
    def move_to(self, destination: datetime) -> None: ...


@contextmanager
def one_clock(start: datetime) -> Iterator[Clock]:
    """Stop both clocks at a time. Yield what moves them together.

    Statements name the time of this process in place of the database's. So it holds for this connection only.
    """
    with time_machine.travel(start, tick=False) as clock, connection.execute_wrapper(_at_the_time):
        yield clock


def _at_the_time(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    return execute(_literal().join(_around_now(sql)), params, many, context)


@lru_cache(1000)
def _around_now(sql: str) -> list[str]:
    return _NOW.split(sql)


def _literal() -> str:
    now = datetime.now(UTC)
    if connection.vendor == "postgresql":
        return f"CAST('{now.isoformat()}' AS timestamptz)"
    return f"'{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03}'"
