"""Many rows at once: copies of rows, which the database makes itself. Python would take a second for 4,000."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import QuerySet


def numbers(count: int) -> str:
    """Return a part of `FROM` with the numbers from 1 to `count`, as `numbers.n`, for either database."""
    more = f"SELECT n + 1 FROM counted WHERE n < {count}"
    return f"(WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL {more}) SELECT n FROM counted) AS numbers"


def copy_rows(rows: QuerySet[Any], each: str, **columns: str) -> None:
    """Copy every row once for each row of `each`, a part of `FROM`. Columns that are named get that SQL instead."""
    model, chosen = rows.model, rows.values("pk").query
    names = [str(field.column) for field in model._meta.concrete_fields if not field.primary_key]
    values = ", ".join(columns.get(name, f"copied.{name}") for name in names)
    table = model._meta.db_table
    with connection.cursor() as sql:
        wanted, parameters = chosen.sql_with_params()
        sql.execute(
            f"INSERT INTO {table} ({', '.join(names)})"
            f" SELECT {values} FROM {table} AS copied, {each} WHERE copied.id IN ({wanted})",
            parameters,
        )
