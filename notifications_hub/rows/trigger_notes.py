"""What triggers noted of changed rows, told after the commit: a row as it was and as it is become the events of it.

A note is written in the transaction that made the change, while that has the row: so the notes of one row have the
order in which its changes were committed, and a rollback takes them along. Notes are told in their order, and gone in
the transaction that logs their events: told once, whatever is killed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models.functions import Now

from notifications_hub.database import transaction
from notifications_hub.database.primary import HubModel, connection, hub_alias
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.rows.diff import CHUNK, tell_difference
from notifications_hub.rows.registry import LiveRows, RenderedRow, declared_models, rows_of
from notifications_hub.rows.triggers import delivered_here
from notifications_hub.streams.sequencer import soon
from notifications_hub.streams.sweeper import every_second

Row = models.Model
Change = tuple[Row | None, Row | None]
"""A row as it was before anything noted, None if there was none, and as it is after all of it."""

log = logging.getLogger(__name__)


class RowChange(HubModel):
    """One change of one row, written by a trigger: its columns before, which an INSERT has not, and after it."""

    id = models.BigAutoField(primary_key=True)
    model = models.CharField(max_length=200)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    created = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.model} #{self.pk}"


def look_after_commit(model: type[Row]) -> None:
    """In the transaction of a change by the ORM: what triggers note of it is told at once, not within a second."""
    if len(delivered_here(model)) < len(rows_of(model)):
        transaction.on_commit(_look_soon, robust=True)


def _look_soon() -> None:
    soon(tell_noted)


@every_second
def look() -> None:
    if connection.vendor == "postgresql" and RowChange.objects.exists():
        _look_soon()


def tell_noted() -> None:
    """Tells of a thousand changes at most; where there are more it has itself called again, and others between."""
    try:
        delivered = _tell_some(CHUNK, _tell)
    except CONNECTION_ERRORS:
        raise
    except Exception:
        log.exception("Changes of rows could not be told together; they are told one by one")
        delivered = sum(islice(iter(partial(_tell_some, 1, _tell_or_give_up), 0), CHUNK))
    if delivered == CHUNK:
        _look_soon()


def _tell_some(most: int, tell: Callable[[str, Sequence[int]], None]) -> int:
    """Gives how many. Who comes second waits for the first, and finds what that one left."""
    with transaction.atomic():
        notes = list(RowChange.objects.order_by("pk").select_for_update().values_list("pk", "model")[:most])
        for label, run in groupby(notes, itemgetter(1)):
            tell(label, [pk for pk, _ in run])
        RowChange.objects.filter(pk__in=[pk for pk, _ in notes]).delete()
    return len(notes)


def _tell_or_give_up(label: str, pks: Sequence[int]) -> None:
    """One that its declaration cannot show must not keep back all that come after it."""
    try:
        with transaction.atomic():
            _tell(label, pks)
    except CONNECTION_ERRORS:
        raise
    except Exception:
        log.exception("A change of %s cannot be told", label)


def _tell(label: str, pks: Sequence[int]) -> None:
    model = next((model for model in declared_models() if model._meta.label_lower == label), None)
    if model is None:
        log.warning("%s is no live model, and has triggers: run `manage.py hub_row_triggers show`", label)
        return
    declared, changes = rows_of(model), _net(model, pks)
    tell_difference(
        {(rows, key): _as_it_was(rows, old, new) for key, (old, new) in changes.items() if old for rows in declared},
        {(rows, key): rows.show(new) for key, (_, new) in changes.items() if new for rows in declared},
    )


def _net(model: type[Row], pks: Sequence[int]) -> dict[Any, Change]:
    """By key. A row that was changed again and again is told of once."""
    was, now = _rows(model, "old", pks), _rows(model, "new", pks)
    related = {name for rows in rows_of(model) for name in rows.related}
    models.prefetch_related_objects([*was.values(), *now.values()], *related)
    changes: dict[Any, Change] = {}
    for pk in pks:
        old, new = was.get(pk), now.get(pk)
        if old:
            changes[old.pk] = changes.get(old.pk, (old, None))[0], None
        if new:
            changes[new.pk] = changes.get(new.pk, (None, None))[0], new
    return changes


# The database reads what it wrote, as whatever types the columns have now. The name is none that a column has.
_NOTE = "notifications_hub.note"
_ROWS = """
    SELECT note.id AS "notifications_hub.note", noted.*
    FROM notifications_hub_rowchange note, jsonb_populate_record(NULL::{table}, note.{side}) noted
    WHERE note.id = ANY(%s) AND note.{side} IS NOT NULL
"""


def _rows(model: type[Row], side: str, pks: Sequence[int]) -> dict[int, Row]:
    table = connection.ops.quote_name(model._meta.db_table)
    found = model._base_manager.db_manager(hub_alias()).raw(_ROWS.format(table=table, side=side), [list(pks)])
    return {getattr(row, _NOTE): row for row in found}


def _as_it_was(rows: LiveRows, old: Row, new: Row | None) -> RenderedRow:
    """Its item, which only says whether anything changed, is none where what it shows of another row is gone by now."""
    if new is None or any(getattr(old, name) != getattr(new, name) for name in rows.related_keys()):
        return RenderedRow(rows.topic_of(old), {})
    try:
        return rows.show(old)
    except ObjectDoesNotExist:
        return RenderedRow(rows.topic_of(old), {})
