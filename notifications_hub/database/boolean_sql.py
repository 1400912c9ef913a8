"""Boolean conditions of SQL, spelled as this Django spells them.

SQLite uses a partial index only for a condition that is spelled like the index's own. Django writes `"unread"` up to
6.0, and `"unread" = 1` from 6.1 on. PostgreSQL knows that both mean the same.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections, models

from notifications_hub.database.primary import connection

_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"


def boolean_sql(column: str, value: bool) -> str:
    """Return the condition that a boolean column has this value."""
    if connection.ops.conditional_expression_supported_in_where_clause(models.F(column)):
        return column if value else f"NOT {column}"
    return f"{column} = {int(value)}"


def respell_indexes(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Create the partial indexes again that another version of Django spelled. `migrate` calls this at its end."""
    database = connections[using]
    if database.vendor != "sqlite":
        return
    editor = database.SchemaEditorClass(database)
    with database.cursor() as sql:
        stored: dict[str, str] = dict(sql.execute(_INDEXES).fetchall())
        for model in app_config.get_models():
            for index in model._meta.indexes:
                wanted = str(index.create_sql(model, editor))
                if index.condition and stored.get(index.name, wanted) != wanted:
                    sql.execute(f"DROP INDEX {database.ops.quote_name(index.name)}")
                    sql.execute(wanted)
