"""The table of django-notifications, as its migrations make it, in the database of a test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from notifications.models import Notification as PackageNotification

from notifications_hub.package_import.old_table import TABLE


@contextmanager
def old_table(*, is_text: bool = True) -> Iterator[None]:
    """Make the table. PostgreSQL has its data as text, as in django-notifications-hq, or else as JSON."""
    with connection.schema_editor() as editor:
        # The swapped model still knows its table.
        editor.create_model(PackageNotification)
    try:
        if is_text and connection.vendor == "postgresql":
            execute(f"ALTER TABLE {TABLE} ALTER COLUMN data TYPE text")
        yield
    finally:
        execute(f"DROP TABLE IF EXISTS {TABLE}")


def add(rows: list[PackageNotification]) -> None:
    # Django gives a swapped model no manager.
    manager: QuerySet[Any] = QuerySet(PackageNotification)
    manager.bulk_create(rows, batch_size=500)


def set_data(pk: int, data: object) -> None:
    """Store text as it is, which jsonfield did not check; anything else as JSON."""
    text = data if isinstance(data, str) else json.dumps(data)
    if connection.vendor == "sqlite":
        execute("PRAGMA ignore_check_constraints = ON")
    execute(f"UPDATE {TABLE} SET data = %s WHERE id = %s", [text, pk])
    if connection.vendor == "sqlite":
        execute("PRAGMA ignore_check_constraints = OFF")


def count() -> int:
    with connection.cursor() as sql:
        sql.execute(f"SELECT count(*) FROM {TABLE}")
        found: int = sql.fetchone()[0]
        return found


def execute(statement: str, parameters: list[Any] | None = None) -> None:
    with connection.cursor() as sql:
        sql.execute(statement, parameters)
