"""PostgreSQL triggers that note every change of a live table, also by raw SQL. `trigger_notes.py` publishes the notes.

If a model has its triggers and `ROW_TRIGGERS` names it, Python itself publishes nothing for it. So every change, by the
ORM or by raw SQL, is published in one way, in one order, and once. Names are labels like `comments.comment`.
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
"""The function's setting that names the table of each model."""
PATIENCE = "5s"
"""The longest wait for a table's lock. Later statements on the table queue behind the waiting one."""

log = logging.getLogger(__name__)


class NotPossible(Exception):
    """Raised when triggers cannot be installed or removed. The message gives the reason and the remedy."""


def published_by_python(model: type[models.Model]) -> list[LiveRows]:
    """Return the declarations whose changes Python publishes. Costs one query a process if `ROW_TRIGGERS` is set."""
    by_triggers = _published_by_triggers(named())
    return [rows for rows in rows_of(model) if rows.model._meta.label_lower not in by_triggers]


def named() -> frozenset[str]:
    return frozenset(label.lower() for label in hub_settings.row_triggers)


@lru_cache(maxsize=1)
def _published_by_triggers(wanted: frozenset[str]) -> frozenset[str]:
    present = installed() if wanted else wanted
    if wanted - present:
        log.warning("%s", _missing(wanted - present))
    return wanted & present


def disagreements() -> Iterator[str]:
    """Yield the differences between `ROW_TRIGGERS` and the database, with remedies.

    A process that starts despite them still publishes every change that Django makes.
    """
    present = installed()
    if missing := named() - present:
        yield _missing(missing)
    if unnamed := present - named():
        yield (
            f"{_list(unnamed)} has triggers that ROW_TRIGGERS does not name, so Django's changes there are published "
            "twice: name it and restart, or run `manage.py hub_row_triggers remove`."
        )
    if connection.vendor == "postgresql" and _value(_IS_OLD, FUNCTION):
        yield (
            "The triggers' function is of an older version, or any database role may use it to publish false rows: "
            "run `manage.py hub_row_triggers install`."
        )


def _missing(labels: frozenset[str]) -> str:
    return (
        f"ROW_TRIGGERS names {_list(labels)}, which has no triggers, so only Django's changes there are published: run "
        "`manage.py hub_row_triggers install` and restart."
    )


def _list(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels))


def model_of(label: str) -> type[models.Model]:
    """Return the live model. Raise `NotPossible` for any other model, or one without a table of its own."""
    model = next((model for model in declared_models() if model._meta.label_lower == label.lower()), None)
    if model is None:
        raise NotPossible(f"{label} is not a live model: declare it with @live_rows.")
    if model._meta.proxy or model._meta.parents:
        raise NotPossible(f"{label} keeps rows in another model's table: declare that model, and name it here.")
    return model


# Notes are written with the rights of the installing role, because the writer may have none on the notes' table. So the
# table is checked first: `to_jsonb` runs code that belongs to the types of a table's columns. Another role's table
# would have its code run, and its rows noted, with those rights. TRUNCATE fires no row triggers, so the rows are noted
# before it.
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
# A role that may execute the function could make it a trigger of its own table. Firing a trigger needs no right.
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
    """Return the labels of models with all triggers, enabled, and on the table that the function knows for them."""
    at_work = [label for label, _, _, enabled in _triggers() if enabled]
    return frozenset(label for label in at_work if at_work.count(label) == len(_CREATE))


def install(model: type[models.Model]) -> None:
    """Install or replace a model's triggers. Locks out writers, not readers, for a moment (SHARE ROW EXCLUSIVE).

    Raise `NotPossible`, or `OperationalError` if others hold the table for longer than `PATIENCE`.
    """
    _require_postgresql()
    schema = _value(_SCHEMA)
    if schema is None:
        raise NotPossible("The table for the triggers' notes is missing: run `manage.py migrate` first.")
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
    """Return the existing tables of all live models by label, named as in the function's setting."""
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
    """Remove a model's triggers, and with the last ones their function.

    Locks the table for everybody for a moment (ACCESS EXCLUSIVE). Raise the same errors as `install`.
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
            f"Triggers need PostgreSQL, and this site uses {connection.display_name}. Django's changes are published "
            "without them; after raw SQL, call publish() on the rows."
        )


def _triggers() -> list[tuple[str, str, str, bool]]:
    """Return label, name and table of each trigger, and whether it is enabled."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as sql:
        sql.execute(_INSTALLED, [FUNCTION])
        return list(sql.fetchall())


def _alter(statements: Sequence[str]) -> None:
    with connection.schema_editor() as editor:
        for statement in (f"SET LOCAL lock_timeout = '{PATIENCE}'", *statements):
            editor.execute(statement, None)
    _published_by_triggers.cache_clear()
