"""Rows that are deleted, one or many, by themselves or along with another: Django's signals tell of every one.

All that one `delete()` takes away is told together. It belongs to the object that `delete()` was called on, which
comes along with each signal as its `origin`.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from django.apps import apps
from django.db import models
from django.db.models.signals import post_delete, pre_delete

from notifications_hub import transaction
from notifications_hub.rows.declared import rows_of
from notifications_hub.rows.noted import look_after_commit
from notifications_hub.rows.telling import Gone, tell_deleted
from notifications_hub.rows.triggers import told_here

Row = tuple[type[models.Model], Any]


def connect_all() -> None:
    """Proxies and children of live models too, of which the decorator cannot know."""
    for model in apps.get_models():
        if rows_of(model):
            connect(model)


def connect(model: type[models.Model]) -> None:
    pre_delete.connect(_before, sender=model, dispatch_uid="notifications_hub.rows")
    post_delete.connect(_after, sender=model, dispatch_uid="notifications_hub.rows")


class _Deletion:
    """What one `delete()` takes away. Only its transaction holds it, so one that failed leaves nothing behind."""

    def __init__(self, origin: object) -> None:
        self._origin = origin
        self._waiting: set[Row] = set()
        self._gone: list[Gone] = []

    def expect(self, row: models.Model) -> None:
        self._waiting.add((type(row), row.pk))
        # What a parent's table has of it is deleted as a row of its own.
        own = [rows for rows in told_here(type(row)) if rows.model._meta.concrete_model is row._meta.concrete_model]
        places = ((rows, rows.topic_of(row), row.pk) for rows in own)
        self._gone += [(rows, topic, key) for rows, topic, key in places if topic]

    def took(self, row: models.Model) -> None:
        self._waiting.discard((type(row), row.pk))
        if not self._waiting:
            self.tell()

    def tell(self) -> None:
        gone, self._gone = self._gone, []
        tell_deleted(gone)


_deletions: WeakValueDictionary[int, _Deletion] = WeakValueDictionary()
"""By the id of their origin, which they keep alive."""


def _before(sender: type[models.Model], instance: models.Model, origin: object, **kwargs: Any) -> None:
    look_after_commit(sender)
    if not told_here(sender):
        return
    deletion = _deletions.get(id(origin))
    if deletion is None:
        deletion = _deletions[id(origin)] = _Deletion(origin)
        transaction.on_commit(deletion.tell, robust=True)
    row = _as_stored(instance) if instance is origin else instance
    if row is not None:
        deletion.expect(row)


def _after(sender: type[models.Model], instance: models.Model, origin: object, **kwargs: Any) -> None:
    if deletion := _deletions.get(id(origin)):
        deletion.took(instance)


def _as_stored(instance: models.Model) -> models.Model | None:
    # The others have just been read. This one may have been read long ago, and be on another topic by now.
    rows = type(instance)._base_manager.filter(pk=instance.pk)
    return rows.select_for_update(of=("self",)).first()
