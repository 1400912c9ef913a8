"""The migrations and tables that the hub's database lacks."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.executor import MigrationExecutor

from notifications_hub.database.primary import connection, hub_alias, hub_models, references_of


def count_unapplied() -> int:
    """Return the number of migrations, of all apps, that are not applied."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def fault_of_tables() -> str:
    """Return what the hub's database lacks, with the remedy, or an empty text."""
    alias = hub_alias()
    if missing := count_unapplied():
        where = "" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"
        return f"migrations not applied: {missing}. Run `manage.py migrate{where}`."
    if absent := _missing_tables():
        words = f"{', '.join(absent)} missing in the database {alias!r}"
        return f"{words}: make the router's allow_migrate allow them there, and migrate it from the start."
    return ""


def _missing_tables() -> list[str]:
    # A router may forbid a table. Django then records its migration as applied all the same.
    own = hub_models()
    needed = {model._meta.db_table for model in {*own, *references_of(own)} if model._meta.managed}
    return sorted(needed - set(connection.introspection.table_names()))
