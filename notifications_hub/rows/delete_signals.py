"""Rows that are deleted, one or many, by themselves or along with another: Django's signals tell of every one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.signals import post_delete, pre_delete

from notifications_hub.database.deletions import Deletions, as_stored
from notifications_hub.rows.diff import Gone, tell_deleted
from notifications_hub.rows.registry import rows_of
from notifications_hub.rows.trigger_notes import look_after_commit
from notifications_hub.rows.triggers import delivered_here


def connect_all() -> None:
    """Proxies and children of live models too, of which the decorator cannot know."""
    for model in apps.get_models():
        if rows_of(model):
            connect(model)


def connect(model: type[models.Model]) -> None:
    pre_delete.connect(_before, sender=model, dispatch_uid="notifications_hub.rows")
    post_delete.connect(_after, sender=model, dispatch_uid="notifications_hub.rows")


_deletions: Deletions[Gone] = Deletions(tell_deleted)


def _before(sender: type[models.Model], instance: models.Model, origin: object, **kwargs: Any) -> None:
    look_after_commit(sender)
    if delivered_here(sender) and (row := as_stored(instance, origin)):
        _deletions.expect(origin, row, _gone(row))


def _after(sender: type[models.Model], instance: models.Model, origin: object, **kwargs: Any) -> None:
    _deletions.took(origin, instance)


def _gone(row: models.Model) -> Iterator[Gone]:
    # What a parent's table has of it is deleted as a row of its own.
    own = [rows for rows in delivered_here(type(row)) if rows.model._meta.concrete_model is row._meta.concrete_model]
    places = ((rows, rows.topic_of(row), row.pk) for rows in own)
    yield from ((rows, topic, key) for rows, topic, key in places if topic)
