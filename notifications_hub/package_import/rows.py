"""The import itself: a statement for two thousand rows, in one transaction with the position after them.

A process that is killed loses the chunk it was in, and the next run begins with that chunk. No row is imported twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.contrib.auth import get_user_model

from notifications_hub.database import transaction
from notifications_hub.database.primary import connection
from notifications_hub.extension_values import scope_from
from notifications_hub.kinds import IMPORTED
from notifications_hub.package_import import old_table
from notifications_hub.package_import.models import ImportPosition
from notifications_hub.package_import.old_table import TABLE
from notifications_hub.package_import.values import Names, data_between
from notifications_hub.streams import give_way

CHUNK = 2000
"""The rows of one transaction."""
Parameters = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows of one transaction. Those whose person is gone are left out."""

    imported: int
    left_out: int


# SQLite may hold a reference to a type that is gone.
_CONTENT_TYPE = "(SELECT id FROM django_content_type WHERE id = old.{})"
# The package knows only whether a row was read. Rows count as delivered and, if read, as seen at the time of the event.
_VALUES = {
    **{name: f"old.{name}" for name in ("verb", "description", "unread", "public", "deleted", "emailed", "timestamp")},
    **{name: f"old.{name}" for name in ("actor_object_id", "target_object_id", "action_object_object_id")},
    **{
        column: _CONTENT_TYPE.format(column)
        for column in ("actor_content_type_id", "target_content_type_id", "action_object_content_type_id")
    },
    "recipient_id": "old.recipient_id",
    "level": "CASE WHEN old.level IN ('success', 'info', 'warning', 'error') THEN old.level ELSE 'info' END",
    "kind": "'default'",
    "url": "coalesce(link.value, '')",
    "actor_name": "coalesce(actor.value, '')",
    "target_name": "coalesce(target.value, '')",
    "action_object_name": "coalesce(object.value, '')",
    "scope": "%(scope)s",
    "toast": "TRUE",
    "flash": "TRUE",
    "committed_at": "old.timestamp",
    "delivered_at": "old.timestamp",
    "delivered_by": "%(method)s",
    "seen_at": "CASE WHEN old.unread THEN NULL ELSE old.timestamp END",
}
_INSERT = """
INSERT INTO notifications_hub_notification ({columns})
WITH name AS MATERIALIZED (SELECT key, value FROM {names}),
    link AS MATERIALIZED (SELECT key, value FROM {links}),
    replaced AS MATERIALIZED (SELECT key, value FROM {replaced})
SELECT {values} FROM notifications_notification old
    LEFT JOIN name actor ON actor.key = old.actor_content_type_id || ':' || old.actor_object_id
    LEFT JOIN name target ON target.key = old.target_content_type_id || ':' || old.target_object_id
    LEFT JOIN name object ON object.key = old.action_object_content_type_id || ':' || old.action_object_object_id
    LEFT JOIN link ON link.key = CAST(old.id AS text)
    LEFT JOIN replaced ON replaced.key = CAST(old.id AS text)
WHERE old.id > %(after)s AND old.id <= %(through)s
    AND EXISTS (SELECT 1 FROM {people} person WHERE person.{key} = old.recipient_id)
ORDER BY old.id
"""
_COUNT = "SELECT count(*) FROM notifications_notification WHERE id > %s AND id <= %s"


def import_rows() -> Iterator[Chunk]:
    """Import what is left, chunk by chunk. Several processes may do so at the same time."""
    ImportPosition.objects.get_or_create(pk=1)
    names = Names()
    while (through := old_table.last_id(after := old_table.position(), CHUNK)) is not None:
        parameters = _parameters(after, through, names)
        began = time.monotonic()
        chunk = _insert(after, through, parameters)
        # With DEBUG, Django would keep every statement, each with the names and links of its rows.
        connection.queries_log.clear()
        give_way(time.monotonic() - began)
        if chunk:
            yield chunk


def _parameters(after: int, through: int, names: Names) -> Parameters:
    data = data_between(after, through)
    return {
        "names": _as_parameter(names.between(after, through)),
        "links": _as_parameter(data.links),
        "replaced": _as_parameter(data.replaced),
        "after": after,
        "through": through,
        "scope": scope_from(None),
        "method": IMPORTED,
    }


def _insert(after: int, through: int, parameters: Parameters) -> Chunk | None:
    """Insert the rows between two ids, or return None if another process has done so."""
    with transaction.atomic():
        if not ImportPosition.objects.filter(through=after).update(through=through):
            return None
        with connection.cursor() as sql:
            if connection.vendor == "postgresql":
                # Waits for writers, so that no row with a lower id is committed after this chunk.
                sql.execute(f"LOCK TABLE {TABLE} IN SHARE MODE")
            sql.execute(_statement(), parameters)
            imported = sql.rowcount
            sql.execute(_COUNT, [after, through])
            return Chunk(imported, sql.fetchone()[0] - imported)


def _as_parameter(values: Mapping[str, str | None]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _statement() -> str:
    quote = connection.ops.quote_name
    people = get_user_model()._meta
    is_postgres = connection.vendor == "postgresql"
    pairs = "json_each_text(CAST(%({})s AS json))" if is_postgres else "json_each(%({})s)"
    data = "CAST({} AS jsonb)" if is_postgres else "{}"
    whole = f"CASE WHEN replaced.key IS NULL THEN {data.format('old.data')} ELSE {data.format('replaced.value')} END"
    values = {**_VALUES, "data": whole}
    return _INSERT.format(
        columns=", ".join(map(quote, values)),
        values=", ".join(values.values()),
        people=quote(people.db_table),
        key=quote(str(people.pk.column)),
        **{name: pairs.format(name) for name in ("names", "links", "replaced")},
    )
