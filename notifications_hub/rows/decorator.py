"""`@live_rows`, which makes each save, delete and bulk change of a model publish events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from string import Formatter
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import models

from notifications_hub.database import transaction
from notifications_hub.rows import delete_signals
from notifications_hub.rows.diff import publish_difference, render_rows
from notifications_hub.rows.queryset import LiveQuerySet
from notifications_hub.rows.registry import LiveRows, Topic, declare, rows_of
from notifications_hub.rows.trigger_notes import publish_notes_after_commit
from notifications_hub.rows.triggers import published_by_python

Live = TypeVar("Live", bound=type[models.Model])


def live_rows(
    *, topic: Topic, fields: Sequence[str], related: Sequence[str] = (), name: str = ""
) -> Callable[[Live], Live]:
    """Declare a model live: `@live_rows(…)` above its class, or `live_rows(…)(Model)` for a model of another app.

    `topic` is a format like `"post.{post_id}"`, or a callable that takes the row; None shows that row to nobody.
    `fields` names attributes and methods without arguments. `related` names the foreign keys that these read, as for
    `select_related`. Event kinds begin with `name`, by default the model's name in lower case.

    Raise `ImproperlyConfigured` for a field that the model does not have.
    """

    def declared(model: Live) -> Live:
        rows = LiveRows(
            model=model,
            name=name or str(model._meta.model_name),
            topic=topic,
            fields=tuple(fields),
            related=tuple(related),
        )
        _check(rows)
        if not rows_of(model):
            _publish_saves(model)
            _publish_bulk_changes(model)
        delete_signals.connect(model)
        declare(rows)
        return model

    return declared


def _check(rows: LiveRows) -> None:
    named = [*rows.fields, *_names_in(rows.topic)]
    missing = [name for name in named if not hasattr(rows.model, name)]
    if missing:
        raise ImproperlyConfigured(f"@live_rows: {rows.model.__name__} has no {', '.join(missing)}.")


def _names_in(topic: Topic) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(topic) if name] if isinstance(topic, str) else []


def _publish_saves(model: type[models.Model]) -> None:
    """Wrap `save_base()`, which every save calls, so that row and event share a transaction."""
    plain = model.save_base

    @wraps(plain)
    def save_base(self: models.Model, *args: Any, **kwargs: Any) -> None:
        declared = published_by_python(type(self))
        with transaction.atomic(savepoint=False):
            publish_notes_after_commit(type(self))
            # Read from the database: others may have changed the row since the instance was loaded.
            before = {} if self.pk is None else render_rows(type(self), declared, [self.pk], lock=True)
            plain(self, *args, **kwargs)
            # Read again: the instance may hold expressions, or values that were not to be saved.
            publish_difference(before, render_rows(type(self), declared, [self.pk]))

    model.save_base = save_base  # type: ignore[method-assign]


def _publish_bulk_changes(model: type[models.Model]) -> None:
    """Publish Django's own updates too: of `on_delete=SET_NULL`, and of `post.comments.add()` and `.clear()`.

    They use the base manager, which must not leave any row out.
    """
    manager = model._default_manager
    plain = models.Manager.get_queryset
    if isinstance(manager.all(), LiveQuerySet) and type(manager).get_queryset is plain:
        model._meta.base_manager_name = manager.name
        model._meta._expire_cache()  # type: ignore[attr-defined]
