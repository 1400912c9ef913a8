"""Every statement that a block runs, with what PostgreSQL reads for it, as its auto_explain tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from psycopg.errors import Diagnostic

from tests.cost.world import Limits

PER_ROW = 25
"""The buffers for each row that a statement returns: its place in an index, the row, and a few joined rows."""
PER_CHANGE = 60
"""The buffers for each row that a statement changes: a place in each of about ten indexes."""

_SEND_PLANS = """
    LOAD 'auto_explain';
    SET LOCAL auto_explain.log_min_duration = 0;
    SET LOCAL auto_explain.log_level = 'notice';
    SET LOCAL auto_explain.log_format = 'json';
    SET LOCAL auto_explain.log_analyze = on;
    SET LOCAL auto_explain.log_buffers = on;
    SET LOCAL auto_explain.log_timing = off;
"""
_PLAN = re.compile(r"duration: (?P<milliseconds>[\d.]+) ms +plan:\n(?P<plan>.*)", re.DOTALL)


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
    """Explain each statement of the block as it runs. The block must be in a transaction.

    The server sends each plan with its figures, so nothing runs twice. Questions about the tables themselves are left
    out: they do not depend on rows.
    """
    statements: list[Statement] = []

    def note(notice: Diagnostic) -> None:
        if (sent := _PLAN.match(notice.message_primary or "")) and "pg_catalog." not in sent["plan"]:
            statements.append(_statement(json.loads(sent["plan"]), float(sent["milliseconds"]), limits))

    with connection.cursor() as cursor:
        cursor.execute(_SEND_PLANS)
    sender = connection.connection
    sender.add_notice_handler(note)
    try:
        yield statements
    finally:
        sender.remove_notice_handler(note)


def _statement(found: dict[str, Any], milliseconds: float, limits: Limits) -> Statement:
    plan = found["Plan"]
    allowed = max(limits.buffers, int(PER_ROW * plan["Actual Rows"]), PER_CHANGE * sum(_changed(plan)))
    return Statement(
        " ".join(found["Query Text"].split()),
        _buffers(plan),
        max(_scanned(plan), default=0),
        replace(limits, buffers=allowed),
        milliseconds,
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
