"""The migrations that the hub's database lacks."""

from __future__ import annotations

from django.db.migrations.executor import MigrationExecutor

from notifications_hub.database.primary import connection


def count_unapplied() -> int:
    """Return the number of migrations, of all apps, that are not applied."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
