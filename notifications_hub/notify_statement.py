"""The text of the statement that `notify_insert.py` runs on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from notifications_hub.database.primary import connection
from notifications_hub.escalation.planning import steps_in_statement
from notifications_hub.extension import NotificationExtension, columns_of
from notifications_hub.notification import Notification
from notifications_hub.streams.sequencer import timeline
from notifications_hub.transports import AddressTable

Tables = tuple[tuple[str, AddressTable], ...]
"""Names of transports, each with the table of its addresses."""

_OWN = frozenset({"id", "recipient_id", "toast", "flash"})
"""Columns that differ by person."""
_OPTIONAL = frozenset(
    {"action_key", "description", "data", "dedupe_key", "scope", "target_object_id", "action_object_object_id"}
    | {f"{name}_content_type_id" for name in ("actor", "target", "action_object")}
)
"""Columns that `notify.send` may leave empty. Other columns that may be empty are so in every new row."""


@cache
def shared_columns() -> tuple[str, ...]:
    """Return the columns that the statement takes as parameters of the same name, alike for all people."""
    fields = Notification._meta.concrete_fields
    names = [field.attname for field in fields if not field.null or field.attname in _OPTIONAL]
    return tuple(name for name in names if name not in _OWN)


# `people` has one row for each recipient. A choice for the kind wins over one for every kind, whose `methods` are those
# that are off; NULL is no choice. The second is looked up only without the first, and neither by reading all
# preferences, as PostgreSQL would do to join a thousand people. Rows are inserted in their order, so that two senders
# who share a key wait for each other in one order only. Topics have no comma, and PostgreSQL's driver takes long for a
# list.
_INSERT = """
WITH {numbering}people AS MATERIALIZED (
    SELECT given.*, coalesce((
        SELECT methods || CAST(%(locked)s AS jsonb)
        FROM notifications_hub_preference WHERE person_id = given.id AND kind = %(chosen_kind)s
    ), (
        SELECT jsonb_path_query_array(
            CAST(%(methods)s AS jsonb), '$[*] ? (!(@ == $off[*]))', jsonb_build_object('off', methods)
        ) || CAST(%(locked)s AS jsonb)
        FROM notifications_hub_preference WHERE person_id = given.id AND kind = %(every_kind)s
    ), CAST(%(methods)s AS jsonb)) AS methods
    FROM unnest(
        CAST(%(ids)s AS {key}[]), string_to_array(%(topics)s, ','), CAST(string_to_array(%(words)s, ',') AS int[])
    ) WITH ORDINALITY AS given(id, topic, words, number)
), inserted AS (
    INSERT INTO notifications_hub_notification (recipient_id, toast, flash, {columns})
    SELECT id, methods ? 'live', methods ? 'flash', {values} FROM people ORDER BY number
    ON CONFLICT (recipient_id, dedupe_key) DO NOTHING
    RETURNING id, recipient_id, toast, flash
), made AS (
    SELECT inserted.*, number, topic, words, methods FROM inserted JOIN people ON people.id = recipient_id
), logged AS (
    INSERT INTO notifications_hub_event (topic, seq, kind, item, created, data)
    SELECT topic, {seq}, 'notification.created', 'notification:' || id, %(now)s, item || jsonb_build_object(
        'id', CAST(id AS text), 'toast', toast, 'tag', coalesce(nullif(tag, ''), 'n' || id))
    FROM made JOIN (VALUES {words}) AS words(number, item, tag) ON words.number = made.words ORDER BY made.number
){extended}{armed}{escalated}
SELECT number, id, toast, flash, CAST(methods AS text), {is_armed}, {seq} FROM made ORDER BY number
"""

# The number is given here only if nothing has to be waited for: no lock on the stream, nor on what foreign keys need,
# which is the person and what a host's columns refer to; and no earlier event without a number. So a caller never holds
# a stream while it waits, and two cannot deadlock. `seen` is the stream as the statement sees everything else.
_NUMBERING = """free AS (
    SELECT FROM {people} WHERE {key} = (CAST(%(ids)s AS {type}[]))[1]
        AND current_setting('transaction_isolation') = 'read committed' FOR KEY SHARE SKIP LOCKED
), {references}locked AS (
    SELECT id, top FROM notifications_hub_stream WHERE topic = %(topic)s AND EXISTS (SELECT FROM free){referred}
        AND NOT EXISTS (SELECT FROM notifications_hub_event WHERE topic = %(topic)s AND seq IS NULL)
    FOR NO KEY UPDATE SKIP LOCKED
), turn AS (
    SELECT seen.id, seen.top + 1 AS seq, {timeline} AS timeline
    FROM locked JOIN notifications_hub_stream seen ON seen.id = locked.id AND seen.top = locked.top
), moved AS (
    UPDATE notifications_hub_stream stream SET top = turn.seq, timeline = turn.timeline, epoch =
        CASE WHEN stream.timeline <> turn.timeline THEN left(CAST(gen_random_uuid() AS text), 8) ELSE epoch END
    FROM turn WHERE stream.id = turn.id
), """

_REFERENCE = """{name} AS (SELECT FROM {table} WHERE {column} = %({parameter})s FOR KEY SHARE SKIP LOCKED), """
_REFERRED = " AND (CAST(%({parameter})s AS text) IS NULL OR EXISTS (SELECT FROM {name}))"

_EXTENDED = """, extended AS (
    INSERT INTO {table} ({columns}) SELECT {values} FROM made
)"""

_ARMED = """, armed AS (
    INSERT INTO notifications_hub_delivery
        (notification_id, transport, address, state, reason, reason_parameters, due_at, attempts, trail, created
        {column})
    {addresses}
    ON CONFLICT DO NOTHING RETURNING notification_id
)"""
_ADDRESSES = """SELECT made.id, CAST(%(transport{number})s AS text), left(CAST(address.{address} AS text), 255),
        'waiting', '', CAST('{{}}' AS jsonb), statement_timestamp() + %(window{number})s, 0, CAST('[]' AS jsonb),
        %(now)s{origin}
    FROM made JOIN {table} address ON address.{owner} = recipient_id
    WHERE methods ? %(transport{number})s AND address.{usable}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The optional parts: number an event, plan `steps` of an escalation, store reasons, groups or an origin."""

    numbers: bool
    steps: int = 0
    reasons: bool = False
    groups: bool = False
    origin: bool = False


# The reason and the group of each person are those of their words.
_REASON = ("reason, followed", "(string_to_array(%(reasons)s, ','))[words + 1], %(followed)s")
_GROUP = ("group_key", "CAST(%(groups)s AS jsonb) ->> words")


@lru_cache(maxsize=256)
def statement(words: int, tables: Tables, extension: type[NotificationExtension] | None, parts: Parts) -> str:
    """Return the statement for this number of different words.

    With an `extension`, it takes the values of the host's columns as `extension0` and so on. With reasons or groups, it
    takes those of each of the words.
    """
    columns = shared_columns()
    key = get_user_model()._meta.pk
    return _INSERT.format(
        numbering=_numbering(key, extension) if parts.numbers else "",
        key=key.rel_db_type(connection),
        columns=", ".join([*columns, *_REASON[:1] * parts.reasons, *_GROUP[:1] * parts.groups]),
        values=", ".join(
            [*(f"%({name})s" for name in columns), *_REASON[1:] * parts.reasons, *_GROUP[1:] * parts.groups]
        ),
        words=", ".join(f"({n}, CAST(%(item{n})s AS jsonb), CAST(%(tag{n})s AS text))" for n in range(words)),
        seq="(SELECT seq FROM turn)" if parts.numbers else "CAST(NULL AS bigint)",
        extended=_extended(extension) if extension else "",
        armed=_armed(tables, origin=parts.origin) if tables else "",
        escalated=steps_in_statement(parts.steps),
        is_armed="id IN (SELECT notification_id FROM armed)" if tables else "FALSE",
    )


def _numbering(key: models.Field[Any, Any], extension: type[NotificationExtension] | None) -> str:
    quote = connection.ops.quote_name
    references = [*_references(extension)] if extension else []
    return _NUMBERING.format(
        people=quote(get_user_model()._meta.db_table),
        key=quote(str(key.column)),
        type=key.rel_db_type(connection),
        references="".join(_REFERENCE.format(**one) for one in references),
        referred="".join(_REFERRED.format(**one) for one in references),
        timeline=timeline(),
    )


def _references(extension: type[NotificationExtension]) -> Iterator[dict[str, str]]:
    """Yield the rows that a host's foreign keys lock when the transaction commits."""
    quote = connection.ops.quote_name
    for number, field in enumerate(columns_of(extension)):
        if isinstance(field, models.ForeignKey) and field.db_constraint:  # type: ignore[attr-defined]
            target = field.target_field
            table, column = quote(target.model._meta.db_table), quote(str(target.column))
            parameter = extension_parameter(number)
            yield {"name": f"referred{number}", "table": table, "column": column, "parameter": parameter}


def extension_parameter(number: int) -> str:
    return f"extension{number}"


def _extended(extension: type[NotificationExtension]) -> str:
    quote = connection.ops.quote_name
    fields = columns_of(extension)
    names = [str(extension._meta.pk.column), *(str(field.column) for field in fields)]
    values = ["id", *(f"%({extension_parameter(number)})s" for number in range(len(fields)))]
    return _EXTENDED.format(
        table=quote(extension._meta.db_table), columns=", ".join(map(quote, names)), values=", ".join(values)
    )


def _armed(tables: Tables, *, origin: bool) -> str:
    value = ", CAST(%(origin)s AS jsonb)" if origin else ""
    return _ARMED.format(
        column=", origin" if origin else "",
        addresses=" UNION ALL ".join(
            _ADDRESSES.format(
                number=number,
                table=table.name,
                owner=table.owner,
                address=table.address,
                usable=table.usable,
                origin=value,
            )
            for number, (_name, table) in enumerate(tables)
        ),
    )
