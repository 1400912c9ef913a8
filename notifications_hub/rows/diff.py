"""From changes of rows to events: what a page has to do, from how it has the rows to how they are now."""

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
"""Rows that are held at once."""

Place = tuple[LiveRows, Any]
"""A declaration and the key of a row."""
Showing = Mapping[Place, RenderedRow]
Gone = tuple[LiveRows, str, Any]
"""A declaration, the topic that a row is no longer on, and its key."""


def showing(
    model: type[models.Model], declared: Sequence[LiveRows], keys: Collection[Any], *, lock: bool = False
) -> Showing:
    """What pages have of these rows. One query; a lock keeps others from changing them before this transaction ends."""
    if not declared:
        return {}
    found = from_primary(model._base_manager.filter(pk__in=keys)).order_by("pk")
    if related := {name for rows in declared for name in rows.related}:
        found = found.select_related(*related)
    if lock:
        found = found.select_for_update(no_key=True, of=("self",))
    return {(rows, row.pk): rows.show(row) for row in found for rows in declared}


def tell_difference(before: Showing, after: Showing) -> None:
    """In the caller's transaction. Of a change in what a topic does not show nothing is said there."""
    tell_deleted(_left(before, after))
    streams.append_many(_come_or_changed(before, after))


def tell_again(rows: Showing) -> None:
    streams.append_many(_whole("updated", place, now.topic, now) for place, now in rows.items() if now.topic)


def tell_deleted(gone: Iterable[Gone]) -> None:
    """Also erases what the topics' logs say of these rows."""
    ids: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for rows, topic, key in gone:
        ids[topic, rows.name].append(str(key))
    streams.append_many(
        one for (topic, name), its in ids.items() for one in id_events(topic, f"{name}.deleted", its, erases=name)
    )


def _left(before: Showing, after: Showing) -> Iterator[Gone]:
    for place, was in before.items():
        now = after.get(place)
        if was.topic and (now is None or now.topic != was.topic):
            yield place[0], was.topic, place[1]


def _come_or_changed(before: Showing, after: Showing) -> Iterator[NewEvent]:
    for place, now in after.items():
        was = before.get(place)
        if not now.topic:
            continue
        if was is None or was.topic != now.topic:
            yield _whole("created", place, now.topic, now)
        elif was.item != now.item:
            yield _whole("updated", place, now.topic, now)


def _whole(verb: str, place: Place, topic: str, row: RenderedRow) -> NewEvent:
    """With all of the row; one that is more than a page should be sent is named, and pages fetch it."""
    rows, key = place
    data = row.item
    try:
        encode_data(data)
    except EventTooLarge:
        data = {"ids": [str(key)]}
    return NewEvent(topic, f"{rows.name}.{verb}", data, item=item_key(rows.name, key))
