"""The end of a test that commits: its rows are deleted, but not those that a migration makes.

Django would delete content types and permissions too and then make them again, which takes most of the test's time. On
PostgreSQL it would truncate the tables, which takes 35 ms of the processor for new files, where DELETE takes 2 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.core.management.commands import flush

KEPT = frozenset({"auth_permission", "django_content_type"})
# Deleted rows stay in the file until a vacuum, where later statements read them. So larger tables are truncated.
LARGE = 64 * 1024
# Foreign keys are not checked and triggers do not fire, in this transaction alone.
UNCHECKED = "SET LOCAL session_replication_role = replica"


def keep_content_types(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(flush, "sql_flush", _sql_flush)
    patched.setattr(flush, "emit_post_migrate_signal", lambda *given, **named: None)


def _sql_flush(style: Any, connection: Any, **options: Any) -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    emptied = [name for name in tables if name not in KEPT]
    if connection.vendor == "postgresql":
        return _emptied_on_postgresql(connection, emptied)
    statements: list[str] = connection.ops.sql_flush(style, emptied, **options)
    return statements


def _emptied_on_postgresql(connection: Any, tables: Sequence[str]) -> list[str]:
    large = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s) AND pg_relation_size(oid) > %s"
    with connection.cursor() as cursor:
        cursor.execute(large, [list(tables), LARGE])
        truncated = [name for (name,) in cursor.fetchall()]
    quoted = [connection.ops.quote_name(name) for name in truncated]
    statements = [f"TRUNCATE {', '.join(quoted)} CASCADE"] if quoted else []
    rest = [connection.ops.quote_name(name) for name in tables if name not in truncated]
    return [*statements, UNCHECKED, *(f"DELETE FROM {name}" for name in rest)]
