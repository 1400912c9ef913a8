"""One statement that inserts what a query returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connections, models, router
from django.db.models import Value
from django.db.models.constants import OnConflict
from django.db.models.expressions import Combinable


def insert_select(
    target: type[models.Model], source: models.QuerySet[Any], values: Mapping[str, Combinable | object]
) -> int:
    """Insert a row for each row of `source`, and return how many. Rows that exist by a unique constraint are skipped.

    They are inserted in the order of `source`. Two statements that insert the same rows in one order cannot deadlock.
    `values` maps columns of the target to expressions over the source. Other columns get the default of their field.
    """
    filled = _filled(target, values)
    connection = connections[router.db_for_write(target)]
    operations = connection.ops
    columns = {f"c{number}": value for number, value in enumerate(filled.values())}
    rows = source.using(connection.alias).annotate(**columns).values_list(*columns)
    selected, parameters = rows.query.sql_with_params()
    names = ", ".join(operations.quote_name(str(field.column)) for field in filled)
    insert = operations.insert_statement(on_conflict=OnConflict.IGNORE)
    suffix = operations.on_conflict_suffix_sql([*filled], OnConflict.IGNORE, [], [])
    with connection.cursor() as sql:
        table = operations.quote_name(target._meta.db_table)
        sql.execute(f"{insert} {table} ({names}) {selected} {suffix}", parameters)
        return int(sql.rowcount)


def _filled(
    target: type[models.Model], values: Mapping[str, Combinable | object]
) -> dict[models.Field[Any, Any], Combinable]:
    """Return an expression per column. A column whose default is NULL or the database's own is left out."""
    filled: dict[models.Field[Any, Any], Combinable] = {}
    for field in target._meta.local_concrete_fields:
        if field.name in values:
            value = values[field.name]
        elif field.primary_key or field.has_db_default() or field.get_default() is None:
            continue
        else:
            value = field.get_default()
        filled[field] = value if isinstance(value, Combinable) else Value(value, output_field=field)
    return filled
