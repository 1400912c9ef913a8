"""The end of a test that commits: its rows are deleted, but not those that a migration makes.

Django would delete content types and permissions too and then make them again, which takes most of the test's time.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management.commands import flush

KEPT = frozenset({"auth_permission", "django_content_type"})


def keep_content_types(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(flush, "sql_flush", _sql_flush)
    patched.setattr(flush, "emit_post_migrate_signal", lambda *given, **named: None)


def _sql_flush(style: Any, connection: Any, **options: Any) -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    statements: list[str] = connection.ops.sql_flush(style, [name for name in tables if name not in KEPT], **options)
    return statements
