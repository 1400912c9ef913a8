"""The difference between rows before and after a change, published as events that bring a page up to date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import models

from notifications_hub import streams
from notifications_hub.database.primary import from_primary
from notifications_hub.rows.registry import LiveRows, RenderedRow
from notifications_hub.streams import EventTooLarge, NewEvent, encode_data, item_key
from notifications_hub.streams.models import id_events

CHUNK = 1000
"""Rows that are held in memory at once."""

RowKey = tuple[LiveRows, Any]
"""A declaration and the key of a row."""
RenderedRows = Mapping[RowKey, RenderedRow]
Gone = tuple[LiveRows, str, Any]
"""A declaration, the topic that a row has left, and the row's key."""


def render_rows(
    model: type[models.Model], declared: Sequence[LiveRows], keys: Collection[Any], *, lock: bool = False
) -> RenderedRows:
    """Return the rows as pages show them, in one query. `lock` keeps others from changing them in this transaction."""
    if not declared:
        return {}
    found = from_primary(model._base_manager.filter(pk__in=keys)).order_by("pk")
    if related := {name for rows in declared for name in rows.related}:
        found = found.select_related(*related)
    if lock:
        found = found.select_for_update(no_key=True, of=("self",))
    return {(rows, row.pk): rows.show(row) for row in found for rows in declared}


def publish_difference(before: RenderedRows, after: RenderedRows) -> None:
    """Publish the difference in the caller's transaction. A topic gets no event for changes that it does not show."""
    publish_deleted(_departed(before, after))
    streams.append_many(_arrived_or_changed(before, after))


def publish_current(rows: RenderedRows) -> None:
    """Publish all rows as updated, whether they changed or not."""
    streams.append_many(_whole("updated", row_key, now.topic, now) for row_key, now in rows.items() if now.topic)


def publish_deleted(gone: Iterable[Gone]) -> None:
    """Publish that these rows are gone from their topics, and erase their data from the topics' logs."""
    ids: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for rows, topic, key in gone:
        ids[topic, rows.name].append(str(key))
    streams.append_many(
        one for (topic, name), its in ids.items() for one in id_events(topic, f"{name}.deleted", its, erases=name)
    )


def _departed(before: RenderedRows, after: RenderedRows) -> Iterator[Gone]:
    for row_key, was in before.items():
        now = after.get(row_key)
        if was.topic and (now is None or now.topic != was.topic):
            yield row_key[0], was.topic, row_key[1]


def _arrived_or_changed(before: RenderedRows, after: RenderedRows) -> Iterator[NewEvent]:
    for row_key, now in after.items():
        was = before.get(row_key)
        if not now.topic:
            continue
        if was is None or was.topic != now.topic:
            yield _whole("created", row_key, now.topic, now)
        elif was.item != now.item:
            yield _whole("updated", row_key, now.topic, now)


def _whole(verb: str, row_key: RowKey, topic: str, row: RenderedRow) -> NewEvent:
    """Return an event with the whole row, or with its id alone if the row is too large; pages then fetch it."""
    rows, key = row_key
    data = row.item
    try:
        encode_data(data)
    except EventTooLarge:
        data = {"ids": [str(key)]}
    return NewEvent(topic, f"{rows.name}.{verb}", data, item=item_key(rows.name, key))
