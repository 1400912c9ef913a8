"""The notes of triggers on changed rows, published after the commit. A note holds a row before and after its change.

A trigger writes the note in the changing transaction, while that holds the row's lock. So the notes of one row are in
the order of commits, and a rollback takes them along. Notes are published in that order, and deleted in the transaction
that logs their events. So each is published once, even if a process is killed.
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
from notifications_hub.rows.diff import CHUNK, publish_difference
from notifications_hub.rows.registry import LiveRows, RenderedRow, declared_models, rows_of
from notifications_hub.rows.triggers import published_by_python
from notifications_hub.streams.numberer import run_soon
from notifications_hub.streams.sweeper import every_second

Row = models.Model
Change = tuple[Row | None, Row | None]
"""A row before the first of its notes and after the last; None where it did not exist."""

log = logging.getLogger(__name__)


class RowChange(HubModel):
    """A change noted by a trigger: the row's columns before (NULL for an INSERT) and after (NULL for a DELETE)."""

    id = models.BigAutoField(primary_key=True)
    model = models.CharField(max_length=200)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    created = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.model} #{self.pk}"


def publish_notes_after_commit(model: type[Row]) -> None:
    """Publish the triggers' notes on an ORM change at its commit, not up to a second later. Call in its transaction."""
    if len(published_by_python(model)) < len(rows_of(model)):
        transaction.on_commit(_schedule, robust=True)


def _schedule() -> None:
    run_soon(publish_notes)


@every_second
def schedule_waiting_notes() -> None:
    if connection.vendor == "postgresql" and RowChange.objects.exists():
        _schedule()


def publish_notes() -> None:
    """Publish at most a thousand changes. If there are more, schedule itself again, so that other work runs between."""
    try:
        published = _publish_batch(CHUNK, _publish)
    except CONNECTION_ERRORS:
        raise
    except Exception:
        log.exception("A batch of row changes could not be published; publishing them one by one")
        published = sum(islice(iter(partial(_publish_batch, 1, _publish_or_skip), 0), CHUNK))
    if published == CHUNK:
        _schedule()


def _publish_batch(most: int, publish: Callable[[str, Sequence[int]], None]) -> int:
    """Publish and delete the oldest notes, and return their number. Concurrent callers wait, and take the rest."""
    with transaction.atomic():
        notes = list(RowChange.objects.order_by("pk").select_for_update().values_list("pk", "model")[:most])
        for label, run in groupby(notes, itemgetter(1)):
            publish(label, [pk for pk, _ in run])
        RowChange.objects.filter(pk__in=[pk for pk, _ in notes]).delete()
    return len(notes)


def _publish_or_skip(label: str, pks: Sequence[int]) -> None:
    """Publish, or log and skip a change that its declaration cannot show, so that it does not block later changes."""
    try:
        with transaction.atomic():
            _publish(label, pks)
    except CONNECTION_ERRORS:
        raise
    except Exception:
        log.exception("A change of %s could not be published", label)


def _publish(label: str, pks: Sequence[int]) -> None:
    model = next((model for model in declared_models() if model._meta.label_lower == label), None)
    if model is None:
        log.warning("%s has triggers but is not a live model: run `manage.py hub_row_triggers show`", label)
        return
    declared, changes = rows_of(model), _net(model, pks)
    publish_difference(
        {(rows, key): _as_it_was(rows, old, new) for key, (old, new) in changes.items() if old for rows in declared},
        {(rows, key): rows.show(new) for key, (_, new) in changes.items() if new for rows in declared},
    )


def _net(model: type[Row], pks: Sequence[int]) -> dict[Any, Change]:
    """Collect changes by primary key, so that a row changed several times produces one event."""
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


# The database reads the JSON that it wrote, with the types that the columns have now. No column has a name like this.
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
    """Return the row before its change, with an empty item if a related row has changed or is gone.

    The item only serves to find out whether anything changed.
    """
    if new is None or any(getattr(old, name) != getattr(new, name) for name in rows.related_keys()):
        return RenderedRow(rows.topic_of(old), {})
    try:
        return rows.show(old)
    except ObjectDoesNotExist:
        return RenderedRow(rows.topic_of(old), {})
