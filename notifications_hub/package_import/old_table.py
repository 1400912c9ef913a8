"""The table that django-notifications leaves behind when this app's model replaces its own."""

from __future__ import annotations

from notifications_hub.database import transaction
from notifications_hub.database.primary import connection
from notifications_hub.package_import.models import ImportPosition

TABLE = "notifications_notification"
_COLUMNS = frozenset(
    {"id", "level", "unread", "verb", "description", "timestamp", "public", "deleted", "emailed", "data"}
    | {"recipient_id", "actor_content_type_id", "actor_object_id", "target_content_type_id", "target_object_id"}
    | {"action_object_content_type_id", "action_object_object_id"}
)
"""The columns that every release from hq 1.6 on has. A table without them belongs to something else."""

_HELD = "It refers to people, who cannot be deleted."
_LAST_ID = "SELECT max(id) FROM (SELECT id FROM notifications_notification WHERE id > %s ORDER BY id LIMIT %s) AS next"


def is_there() -> bool:
    if TABLE not in connection.introspection.table_names():
        return False
    with connection.cursor() as sql:
        columns = {column.name for column in connection.introspection.get_table_description(sql, TABLE)}
    return columns >= _COLUMNS


def position() -> int:
    """Return the last id that was imported; 0 before the first `migrate`, which already warns of the old table."""
    if ImportPosition._meta.db_table not in connection.introspection.table_names():
        return 0
    return ImportPosition.objects.values_list("through", flat=True).first() or 0


def has_rows_left() -> bool:
    return last_id(position(), 1) is not None


def leftover() -> str:
    """Return what is left of the package's table, with the remedy, or an empty text."""
    if not is_there():
        return ""
    if has_rows_left():
        return f"The table {TABLE} has notifications that nobody sees. {_HELD} Run `manage.py hub_import`."
    return f"The table {TABLE} is no longer used. {_HELD} Run `manage.py hub_import --drop`."


def last_id(after: int, rows: int) -> int | None:
    """Return the last id of the next rows after an id, or None if there are none."""
    with connection.cursor() as sql:
        sql.execute(_LAST_ID, [after, rows])
        found: int | None = sql.fetchone()[0]
        return found


def drop() -> None:
    """Drop the table, and forget the position. Raise `DatabaseError` if another table refers to it."""
    with transaction.atomic(), connection.cursor() as sql:
        sql.execute(f"DROP TABLE {TABLE}")
        ImportPosition.objects.all().delete()
