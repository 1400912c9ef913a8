"""Every statement that a block runs, with what PostgreSQL reads for it, by EXPLAIN (ANALYZE, BUFFERS)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from tests.cost.world import Limits

PER_ROW = 25
"""The buffers for each row that a statement returns: its place in an index, the row, and a few joined rows."""
PER_CHANGE = 60
"""The buffers for each row that a statement changes: a place in each of about ten indexes."""

_EXPLAINED = re.compile(r"\s*\(?\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: the buffers and the rows that it read, its limits, its time in the database, and its plan."""

    sql: str
    buffers: int
    rows: int
    limits: Limits
    milliseconds: float
    plan: str

    @property
    def is_too_dear(self) -> bool:
        return self.buffers > self.limits.buffers or self.rows > self.limits.rows

    def __str__(self) -> str:
        return f"{self.buffers} buffers, {self.rows} rows, {self.limits}: {self.sql[:2000]}\n{self.plan}"


@contextmanager
def explained(limits: Limits) -> Iterator[list[Statement]]:
    """Explain each statement of the block just before it runs, on the data that it will see.

    Questions about the tables themselves are left out: they do not depend on rows.
    """
    statements: list[Statement] = []

    def explain_first(execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if not many and _EXPLAINED.match(statement) and "pg_catalog." not in statement:
            statements.append(_explain(statement, parameters, limits))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(explain_first):
        yield statements


def _explain(statement: str, parameters: Any, limits: Limits) -> Statement:
    with connection.connection.cursor() as cursor:
        # The statement really runs, so its changes are taken back.
        cursor.execute("SAVEPOINT explained")
        cursor.execute(_EXPLAIN + statement, parameters)
        [answer] = cursor.fetchone()
        cursor.execute("ROLLBACK TO SAVEPOINT explained")
        cursor.execute("RELEASE SAVEPOINT explained")
    [found] = answer if isinstance(answer, list) else json.loads(answer)
    plan = found["Plan"]
    allowed = max(limits.buffers, int(PER_ROW * plan["Actual Rows"]), PER_CHANGE * sum(_changed(plan)))
    return Statement(
        " ".join(statement.split()),
        _buffers(plan),
        max(_scanned(plan), default=0),
        replace(limits, buffers=allowed),
        found["Execution Time"],
        "\n".join(_lines(plan)),
    )


def _buffers(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _changed(plan: dict[str, Any]) -> Iterator[int]:
    """Yield how many rows each part of the statement inserts, updates or deletes."""
    if plan["Node Type"] == "ModifyTable":
        yield sum(child["Actual Rows"] * child["Actual Loops"] for child in plan["Plans"][-1:])
    for child in plan.get("Plans", []):
        yield from _changed(child)


def _scanned(plan: dict[str, Any]) -> Iterator[int]:
    """Yield how many rows each scan of a table goes through."""
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        removed = (plan.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
        yield (plan["Actual Rows"] + sum(removed)) * plan["Actual Loops"]
    for child in plan.get("Plans", []):
        yield from _scanned(child)


def _lines(plan: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield the plan as text, a line for each part."""
    names = (plan.get(name, "") for name in ("Node Type", "Relation Name", "Index Name"))
    conditions = (plan[name] for name in ("Index Cond", "Filter") if name in plan)
    rows = f"{plan['Actual Rows']} rows × {plan['Actual Loops']}"
    text = " ".join(filter(None, [*names, f"({rows}, {_buffers(plan)} buffers)", *conditions]))
    yield f"{'  ' * depth}{text[:400]}"
    for child in plan.get("Plans", []):
        yield from _lines(child, depth + 1)
