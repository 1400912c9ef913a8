"""An inbox folded from events the way `inbox-store.js` does it, to compare with the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from notifications_hub import streams
from notifications_hub.models import Notification
from notifications_hub.streams.cursor import Position, decode, encode, key_of

State = Mapping[str, tuple[bool, bool, bool]]
"""Maps the id of each listed notification to (unread, seen, delivered)."""


class Tab:
    """A page that reads one person's topic by a cursor, on request, and refetches after a reset."""

    def __init__(self, person_pk: int, topic: str) -> None:
        self._person_pk, self._topic = person_pk, topic
        self._cursor = ""
        self._items: dict[str, dict[str, Any]] = {}
        self.resets = 0

    @property
    def state(self) -> State:
        return {
            pk: (item["unread"], item["seen"], item["delivered"])
            for pk, item in self._items.items()
            if not item["archived"]
        }

    def read_on(self) -> None:
        while self._read_page():
            pass

    def _read_page(self) -> bool:
        known = decode(self._cursor).get(key_of(self._topic)) if self._cursor else None
        [reading] = streams.read({self._topic: known})
        if known is None or reading.reset:
            # The cursor is read before the rows. Events in between are applied twice, which changes nothing.
            self._refetch(reading.position)
        else:
            for event in reading.events:
                self._fold(event.kind, json.loads(event.data))
            self._cursor = encode({self._topic: reading.position})
        return reading.more

    def _refetch(self, position: Position) -> None:
        self.resets += 1
        self._cursor = encode({self._topic: position})
        self._items = {item["id"]: dict(item) for item in rows_of(self._person_pk)}

    def _fold(self, kind: str, data: Mapping[str, Any]) -> None:
        match kind:
            case "notification.created":
                self._items.setdefault(data["id"], dict(data))
            case "notification.updated":
                self._items[data["id"]] = dict(data)
            case "notification.read":
                self._mark(data, unread=False, seen=True)
            case "notification.unread":
                self._mark(data, unread=True)
            case "notification.seen":
                self._mark(data, seen=True)
            case "notification.delivered":
                self._mark(data, delivered=True)
            case "notification.archived" | "notification.deleted":
                for pk in data["ids"]:
                    self._items.pop(pk, None)

    def _mark(self, data: Mapping[str, Any], **state: bool) -> None:
        for pk in data["ids"]:
            if pk in self._items:
                self._items[pk] |= state


def rows_of(person_pk: int) -> list[Mapping[str, Any]]:
    """Return the items that the API would list."""
    rows = Notification.objects.filter(recipient=person_pk).visible().filter(archived_at=None)
    return [row.item().as_json() for row in rows.order_by("pk")]


def in_the_database(person_pk: int) -> State:
    return {item["id"]: (item["unread"], item["seen"], item["delivered"]) for item in rows_of(person_pk)}
