"""Triggers by which PostgreSQL itself notes each change of a live table, whoever makes it; `noted.py` tells of them.

Where a model's triggers are in place and `ROW_TRIGGERS` names it, Python tells nothing of what it changes: a change by
the ORM, beside it or past it is published in one way, in one order, and once. Names are labels like `comments.comment`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache

from django.db import models

from notifications_hub.conf import hub_settings
from notifications_hub.database.primary import connection
from notifications_hub.rows.registry import LiveRows, declared_models, rows_of

FUNCTION = "notifications_hub_note_change"
TABLES = "notifications_hub.tables"
"""The setting of the function that says which table it notes for which model."""
PATIENCE = "5s"
"""How long a table is waited for: behind who waits, all that come after wait too."""

log = logging.getLogger(__name__)


class NotPossible(Exception):
    """Says why, and what to do instead."""


def delivered_here(model: type[models.Model]) -> list[LiveRows]:
    """The declarations for which Python tells what it changes. Where `ROW_TRIGGERS` is set, one query a process."""
    by_triggers = _delivered_by_triggers(named())
    return [rows for rows in rows_of(model) if rows.model._meta.label_lower not in by_triggers]


def named() -> frozenset[str]:
    return frozenset(label.lower() for label in hub_settings.row_triggers)


@lru_cache(maxsize=1)
def _delivered_by_triggers(wanted: frozenset[str]) -> frozenset[str]:
    there = installed() if wanted else wanted
    if wanted - there:
        log.warning("%s", _missing(wanted - there))
    return wanted & there


def disagreements() -> Iterator[str]:
    """Between `ROW_TRIGGERS` and the database. A process that starts with one loses nothing of what Django changes."""
    there = installed()
    if missing := named() - there:
        yield _missing(missing)
    if unnamed := there - named():
        yield (
            f"{_list(unnamed)} has triggers that ROW_TRIGGERS does not name, so what Django changes there is told "
            "twice: name it and restart, or run `manage.py hub_row_triggers remove`."
        )
    if connection.vendor == "postgresql" and _value(_IS_OLD, FUNCTION):
        yield (
            "The function of the triggers is of an older version, or any role of the database may use it and have "
            "pages told what it likes: run `manage.py hub_row_triggers install`."
        )


def _missing(labels: frozenset[str]) -> str:
    return (
        f"ROW_TRIGGERS names {_list(labels)}, which has no triggers, so nothing but what Django changes there is told: "
        "run `manage.py hub_row_triggers install` and restart."
    )


def _list(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels))


def model_of(label: str) -> type[models.Model]:
    """Raises `NotPossible` for what is no live model, or has not its rows to itself."""
    model = next((model for model in declared_models() if model._meta.label_lower == label.lower()), None)
    if model is None:
        raise NotPossible(f"{label} is no live model: declare it with @live_rows.")
    if model._meta.proxy or model._meta.parents:
        raise NotPossible(f"{label} has its rows in the table of another model: declare that one, and name it.")
    return model


# Notes are written by the rights of who installed this: the writer may have none on their table. So the table is
# checked before anything else: `to_jsonb` runs code that belongs to the types of a table's columns, and a table of
# somebody else's would have its code run, and its rows noted, by those rights. For rows that are truncated nothing
# fires, so they are noted before.
_FUNCTION = """
    CREATE OR REPLACE FUNCTION {schema}.{function}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET {tables_setting} = {tables} AS $$
    DECLARE
        declared text := current_setting('{tables_setting}')::jsonb ->> TG_ARGV[0];
    BEGIN
        IF declared IS NULL OR declared NOT IN (
            format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), coalesce(pg_partition_root(TG_RELID)::regclass::text, '')
        ) THEN
            RETURN NULL;
        END IF;
        IF TG_OP = 'TRUNCATE' THEN
            EXECUTE format(
                'INSERT INTO {schema}.notifications_hub_rowchange (model, old) SELECT %L, to_jsonb(was) FROM %I.%I was',
                TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME);
        ELSE
            INSERT INTO {schema}.notifications_hub_rowchange (model, old, new)
            VALUES (TG_ARGV[0], to_jsonb(OLD), to_jsonb(NEW));
        END IF;
        RETURN NULL;
    END $$
"""
# Whoever may execute it can make it a trigger of a table of their own; to fire one takes no right.
_REVOKE = "REVOKE EXECUTE ON FUNCTION {schema}.{function}() FROM PUBLIC"
_CREATE = (
    """
    CREATE OR REPLACE TRIGGER notifications_hub_rows AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {schema}.{function}({label})
    """,
    """
    CREATE OR REPLACE TRIGGER notifications_hub_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.{function}({label})
    """,
)
_SCHEMA = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('notifications_hub_rowchange')"
_INSTALLED = """
    WITH noting AS (
        SELECT oid, (
            SELECT substr(setting, length('notifications_hub.tables=') + 1)::jsonb FROM unnest(proconfig) setting
            WHERE starts_with(setting, 'notifications_hub.tables=')
        ) AS tables
        FROM pg_proc WHERE oid = to_regproc(%s)
    ), fired AS (
        SELECT split_part(encode(tgargs, 'escape'), '\\000', 1) AS label, tgname, tgrelid, tables,
               tgenabled IN ('O', 'A') AS enabled
        FROM pg_trigger JOIN noting ON noting.oid = tgfoid WHERE tgparentid = 0
    )
    SELECT label, tgname, tgrelid::regclass::text,
           enabled AND (tables IS NULL OR tables ->> label = format('%%s.%%I', relnamespace::regnamespace, relname))
    FROM fired JOIN pg_class ON pg_class.oid = tgrelid
"""
_TABLE = "SELECT format('%%s.%%I', relnamespace::regnamespace, relname) FROM pg_class WHERE oid = to_regclass(%s)"
_IS_OLD = """
    SELECT has_function_privilege('public', oid, 'EXECUTE')
        OR NOT EXISTS (SELECT FROM unnest(proconfig) setting WHERE starts_with(setting, 'notifications_hub.tables='))
    FROM pg_proc WHERE oid = to_regproc(%s)
"""


def installed() -> frozenset[str]:
    """The models that have them all, none disabled, and on the table that the function notes for them."""
    at_work = [label for label, _, _, enabled in _triggers() if enabled]
    return frozenset(label for label in at_work if at_work.count(label) == len(_CREATE))


def install(model: type[models.Model]) -> None:
    """Anew where they are there. Keeps writers, not readers, from the table for a moment (SHARE ROW EXCLUSIVE).

    Raises `NotPossible`, and `OperationalError` where others hold the table for longer than `PATIENCE`.
    """
    _require_postgresql()
    schema = _value(_SCHEMA)
    if schema is None:
        raise NotPossible("There is no table for what triggers note: run `manage.py migrate` first.")
    quote = connection.schema_editor().quote_value
    names = {
        "schema": schema,
        "function": FUNCTION,
        "table": _quoted(model),
        "label": quote(model._meta.label_lower),
        "tables_setting": TABLES,
        "tables": quote(json.dumps(_tables())),
    }
    _alter([statement.format(**names) for statement in (_FUNCTION, _REVOKE, *_CREATE)])


def _tables() -> dict[str, str]:
    """The tables of all live models that are in the database, as the function has their names."""
    tables = {}
    for model in declared_models():
        if not (model._meta.proxy or model._meta.parents) and (table := _value(_TABLE, _quoted(model))):
            tables[model._meta.label_lower] = str(table)
    return tables


def _quoted(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _value(query: str, *parameters: str) -> object:
    with connection.cursor() as sql:
        sql.execute(query, parameters)
        found = sql.fetchone()
        return found[0] if found else None


def remove(label: str) -> None:
    """With the last of them their function. Keeps everybody from the table for a moment (ACCESS EXCLUSIVE).

    Raises as `install` does.
    """
    _require_postgresql()
    triggers = _triggers()
    own = [f"DROP TRIGGER {name} ON {table}" for of, name, table, _ in triggers if of == label]
    if not own:
        raise NotPossible(f"{label} has no triggers.")
    _alter([*own, f"DROP FUNCTION {FUNCTION}()"] if len(own) == len(triggers) else own)


def _require_postgresql() -> None:
    if connection.vendor != "postgresql":
        raise NotPossible(
            f"Triggers need PostgreSQL, and this site is on {connection.display_name}. What Django changes is told "
            "without them; after raw SQL, call publish() on the rows."
        )


def _triggers() -> list[tuple[str, str, str, bool]]:
    """Label, name, table, and whether it is enabled."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as sql:
        sql.execute(_INSTALLED, [FUNCTION])
        return list(sql.fetchall())


def _alter(statements: Sequence[str]) -> None:
    with connection.schema_editor() as editor:
        for statement in (f"SET LOCAL lock_timeout = '{PATIENCE}'", *statements):
            editor.execute(statement, None)
    _delivered_by_triggers.cache_clear()
