"""The rows that one `delete()` removes, collected from Django's signals and published once, with all cascades.

A deletion belongs to the object that `delete()` was called on, which each signal carries as its `origin`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from django.db import models

from notifications_hub.database import transaction

Gone = TypeVar("Gone")


class _Deletion(Generic[Gone]):
    """One deletion. Only its transaction holds a reference, so a failed deletion leaves nothing behind."""

    def __init__(self, origin: object, publish: Callable[[list[Gone]], None]) -> None:
        self._origin = origin
        self._publish = publish
        self._waiting: set[tuple[type[models.Model], Any]] = set()
        self._gone: list[Gone] = []

    def expect(self, row: models.Model, gone: Iterable[Gone]) -> None:
        self._waiting.add((type(row), row.pk))
        self._gone += gone

    def mark_deleted(self, row: models.Model) -> None:
        self._waiting.discard((type(row), row.pk))
        if not self._waiting:
            self.publish()

    def publish(self) -> None:
        gone, self._gone = self._gone, []
        self._publish(gone)


class Deletions(Generic[Gone]):
    """The deletions in progress. `publish` receives all that one removed, in its transaction, after its last row."""

    def __init__(self, publish: Callable[[list[Gone]], None]) -> None:
        self._publish = publish
        # Keyed by the id of the origin, which the deletion keeps alive.
        self._under_way: WeakValueDictionary[int, _Deletion[Gone]] = WeakValueDictionary()

    def expect(self, origin: object, row: models.Model, gone: Iterable[Gone]) -> None:
        """Expect this row to be deleted. Call it from `pre_delete`, with the data to publish for the row."""
        deletion = self._under_way.get(id(origin))
        if deletion is None:
            deletion = self._under_way[id(origin)] = _Deletion(origin, self._publish)
            transaction.on_commit(deletion.publish, robust=True)
        deletion.expect(row, gone)

    def mark_deleted(self, origin: object, row: models.Model) -> None:
        """Mark the row as deleted. Call it from `post_delete`."""
        if deletion := self._under_way.get(id(origin)):
            deletion.mark_deleted(row)


def as_stored(instance: models.Model, origin: object) -> models.Model | None:
    """Return the row to delete as it is in the database, or None if somebody else has already deleted it."""
    if instance is not origin:
        return instance
    # Cascaded rows have just been read, but the origin may have been read long ago.
    rows = type(instance)._base_manager.filter(pk=instance.pk)
    return rows.select_for_update(of=("self",)).first()
