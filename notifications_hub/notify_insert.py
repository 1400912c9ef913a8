"""Insert notifications, their events and their deliveries in one statement, on PostgreSQL.

The statement is atomic by itself, so one person's notification needs no transaction around it. Its event is numbered in
the statement too if that needs no waiting; `notify_statement.py` says when.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models.base import ModelState
from django.db.models.signals import post_init, pre_init

from notifications_hub.database import transaction
from notifications_hub.escalation.planning import parameters_of_steps
from notifications_hub.extension import NotificationExtension, columns_of
from notifications_hub.kinds import EVERY_KIND
from notifications_hub.notification import Notification
from notifications_hub.notify_arguments import Draft
from notifications_hub.notify_statement import Parts, Tables, extension_parameter, shared_columns, statement
from notifications_hub.notify_words import SharedWords
from notifications_hub.streams import inbox_topic
from notifications_hub.streams.models import as_json
from notifications_hub.telemetry import measures
from notifications_hub.telemetry.origin import current_origin
from notifications_hub.transports import default_methods, delay_of, locked_methods


@dataclass(frozen=True, slots=True)
class Inserted:
    """A notification as inserted, with the person's delivery methods, and its event's topic and number."""

    row: Notification
    methods: frozenset[str]
    is_armed: bool
    topic: str
    seq: int | None


def insert(draft: Draft, people: Sequence[Any], words: SharedWords, tables: Tables) -> list[Inserted]:
    """Insert notifications in the order of the people. Leave out people who have the draft's `dedupe_key` already."""
    database = transaction.get_connection()
    topics = [inbox_topic(person.pk) for person in people]
    values = _values(draft)
    # The stream is locked until the commit. In a transaction that is late, and a key may have to wait for its sender.
    numbers = len(people) == 1 and draft.dedupe_key is None and database.get_autocommit()
    key = get_user_model()._meta.pk
    ids = [key.get_db_prep_value(person.pk, database) for person in people]
    recipients = {"ids": ids, "topics": ",".join(topics), "topic": topics[0]}
    parameters = _parameters(draft, values, words) | recipients | _transports(draft, tables)
    if tables and (origin := current_origin()):
        parameters["origin"] = as_json(origin)
    extension = None if draft.extension is None else type(draft.extension)
    with database.cursor() as sql:
        parts = Parts(
            numbers=numbers,
            steps=len(draft.kind.escalate),
            reasons=draft.has_reason,
            groups=draft.has_group,
            origin="origin" in parameters,
        )
        sql.execute(statement(len(words.all), tables, extension, parts), parameters)
        found = sql.fetchall()
    measures.events.inc(len(found))
    rows = _rows(draft, values, [(people[number - 1], *own) for number, *own, _methods, _armed, _seq in found])
    return [
        Inserted(row, _methods_in(methods), is_armed, topics[number - 1], seq)
        for row, (number, _pk, _toast, _flash, methods, is_armed, seq) in zip(rows, found, strict=True)
    ]


def _values(draft: Draft) -> dict[str, Any]:
    """Return the values of a new notification by attribute, without those that differ by person."""
    values = {field.attname: field.get_default() for field in Notification._meta.concrete_fields}
    values["dedupe_key"] = draft.dedupe_key
    for name, value in draft.columns.items():
        values.update({f"{name}_id": value.pk} if isinstance(value, ContentType) else {name: value})
    return values


def _parameters(draft: Draft, values: Mapping[str, Any], words: SharedWords) -> dict[str, Any]:
    parameters = {name: values[name] for name in shared_columns()}
    if values["data"] is not None:
        parameters["data"] = as_json(values["data"])
    for index, one in enumerate(words.all):
        parameters |= {f"item{index}": one.item, f"tag{index}": one.tag}
    if draft.extension is not None:
        parameters |= _extension_parameters(draft.extension)
    if draft.kind.escalate:
        parameters |= parameters_of_steps(draft.kind)
    if draft.has_reason:
        parameters |= {"reasons": ",".join(one.reason or "" for one in words.all), "followed": values["followed"]}
    if draft.has_group:
        parameters["groups"] = as_json([one.group_key for one in words.all])
    return parameters | {
        "words": ",".join(map(str, words.of_person)),
        "methods": as_json(sorted(default_methods(draft.kind))),
        "locked": as_json(sorted(locked_methods(draft.kind))),
        # No preference is for a kind without a name, so none is read for a kind without a choice.
        "chosen_kind": draft.kind.name if draft.kind.optional else "",
        "every_kind": EVERY_KIND if draft.kind.optional else "",
        "now": datetime.now(UTC),
    }


def _transports(draft: Draft, tables: Tables) -> dict[str, Any]:
    """Return the name of each transport with a table, and the time until it sends."""
    found: dict[str, Any] = {}
    for number, (name, _table) in enumerate(tables):
        delay = timedelta(seconds=delay_of(name, draft.kind))
        found |= {f"transport{number}": name, f"window{number}": delay}
    return found


def _extension_parameters(row: NotificationExtension) -> dict[str, Any]:
    database = transaction.get_connection()
    return {
        extension_parameter(number): field.get_db_prep_save(field.value_from_object(row), database)
        for number, field in enumerate(columns_of(type(row)))
    }


def _rows(
    draft: Draft, values: Mapping[str, Any], made: Sequence[tuple[Any, int, bool, bool]]
) -> Iterator[Notification]:
    alias = transaction.get_connection().alias
    types = {name: value for name, value in draft.columns.items() if isinstance(value, ContentType)}
    first = Notification.from_db(alias, list(values), list(values.values()))
    for person, pk, toast, flash in made:
        row = _copy(first)
        row.__dict__.update(id=pk, recipient_id=person.pk, toast=toast, flash=flash)
        # Related objects that the caller has need no query.
        row._state.fields_cache = {**types, "recipient": person}
        if draft.reasons:
            row.__dict__["reason"] = draft.reason_of(person)
        if draft.in_storm:
            row.__dict__["group_key"] = draft.group_key_of(person)
        if draft.extension is not None:
            draft.extension.for_notification(row)
        yield row


def _copy(row: Notification) -> Notification:
    """Return a copy of a stored row. Setting each field of thousands of rows takes as long as the database."""
    if pre_init.has_listeners(Notification) or post_init.has_listeners(Notification):
        names = [field.attname for field in Notification._meta.concrete_fields]
        return Notification.from_db(row._state.db, names, [getattr(row, name) for name in names])
    copied = Notification.__new__(Notification)
    copied.__dict__.update(row.__dict__, _state=ModelState())
    copied._state.db, copied._state.adding = row._state.db, False
    return copied


@lru_cache(maxsize=256)
def _methods_in(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))
