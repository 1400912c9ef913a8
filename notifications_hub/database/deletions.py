"""What one `delete()` takes away, by Django's signals: told together, once, whatever it cascades to.

A deletion belongs to the object that `delete()` was called on, which comes along with each signal as its `origin`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from django.db import models

from notifications_hub.database import transaction

Gone = TypeVar("Gone")


class _Deletion(Generic[Gone]):
    """Only its transaction holds it, so one that failed leaves nothing behind."""

    def __init__(self, origin: object, tell: Callable[[list[Gone]], None]) -> None:
        self._origin = origin
        self._tell = tell
        self._waiting: set[tuple[type[models.Model], Any]] = set()
        self._gone: list[Gone] = []

    def expect(self, row: models.Model, gone: Iterable[Gone]) -> None:
        self._waiting.add((type(row), row.pk))
        self._gone += gone

    def took(self, row: models.Model) -> None:
        self._waiting.discard((type(row), row.pk))
        if not self._waiting:
            self.tell()

    def tell(self) -> None:
        gone, self._gone = self._gone, []
        self._tell(gone)


class Deletions(Generic[Gone]):
    """The deletions under way. `tell` gets what each took away, in its transaction, once its last row is gone."""

    def __init__(self, tell: Callable[[list[Gone]], None]) -> None:
        self._tell = tell
        # By the id of their origin, which they keep alive.
        self._under_way: WeakValueDictionary[int, _Deletion[Gone]] = WeakValueDictionary()

    def expect(self, origin: object, row: models.Model, gone: Iterable[Gone]) -> None:
        """Call it from `pre_delete`, with what is to be told of this row."""
        deletion = self._under_way.get(id(origin))
        if deletion is None:
            deletion = self._under_way[id(origin)] = _Deletion(origin, self._tell)
            transaction.on_commit(deletion.tell, robust=True)
        deletion.expect(row, gone)

    def took(self, origin: object, row: models.Model) -> None:
        """Call it from `post_delete`."""
        if deletion := self._under_way.get(id(origin)):
            deletion.took(row)


def as_stored(instance: models.Model, origin: object) -> models.Model | None:
    """Return the row that is deleted, as the database has it; None if somebody else deleted it before."""
    if instance is not origin:
        return instance
    # The others have just been read. This one may have been read long ago.
    rows = type(instance)._base_manager.filter(pk=instance.pk)
    return rows.select_for_update(of=("self",)).first()
