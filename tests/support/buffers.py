"""Buffers that PostgreSQL reads for a function's statements: a cost that does not depend on the machine's load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection


def buffers_of(function: Callable[[], object]) -> int:
    """Call the function, and return the buffers of its statements. Each is explained first, and that rolled back."""
    read: list[int] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        with connection.connection.transaction(force_rollback=True), connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            [[plan]] = cursor.fetchone()
        read.append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        function()
    return sum(read)
