"""Deletions of live rows, from Django's signals: they report every row, one or many, also in a cascade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.signals import post_delete, pre_delete

from notifications_hub.database.deletions import Deletions, as_stored
from notifications_hub.rows.diff import Gone, publish_deleted
from notifications_hub.rows.registry import rows_of
from notifications_hub.rows.trigger_notes import publish_notes_after_commit
from notifications_hub.rows.triggers import published_by_python


def connect_all() -> None:
    """Connect the signals of all live models, also of proxies and children that the decorator could not know."""
    for model in apps.get_models():
        if rows_of(model):
            connect(model)


def connect(model: type[models.Model]) -> None:
    pre_delete.connect(_before, sender=model, dispatch_uid="notifications_hub.rows")
    post_delete.connect(_after, sender=model, dispatch_uid="notifications_hub.rows")


_deletions: Deletions[Gone] = Deletions(publish_deleted)


def _before(sender: type[models.Model], instance: models.Model, origin: object, **kwargs: Any) -> None:
    publish_notes_after_commit(sender)
    if published_by_python(sender) and (row := as_stored(instance, origin)):
        _deletions.expect(origin, row, _gone(row))


def _after(sender: type[models.Model], instance: models.Model, origin: object, **kwargs: Any) -> None:
    _deletions.mark_deleted(origin, instance)


def _gone(row: models.Model) -> Iterator[Gone]:
    # The parent's part of a row is deleted as a row of its own.
    own = [
        rows for rows in published_by_python(type(row)) if rows.model._meta.concrete_model is row._meta.concrete_model
    ]
    gone = ((rows, rows.topic_of(row), row.pk) for rows in own)
    yield from ((rows, topic, key) for rows, topic, key in gone if topic)
