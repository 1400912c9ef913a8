"""Columns that a host adds to notifications, in a table of its own: one subclass of `NotificationExtension`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Self, cast

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.base import ModelState

from notifications_hub.database.primary import PrimaryManager

ACCESSOR = "extension"
ONE_WANTED = "Keep one, with all the columns. Make the others abstract, or proxies."


class NotificationExtension(models.Model):
    """The base of a model with a host's columns of a notification. Subclass it once, in any app of the host.

    `notify.send()` takes its fields by name, and writes a row with each notification. Read it as
    `notification.extension`, and filter by `extension__…`.
    """

    payload: ClassVar[Sequence[str]] = ()
    """Names of fields that pages receive, under `extension` in events and the API. They are public to the recipient."""
    scope_by: ClassVar[str] = ""
    """The name of the field that `INBOX_SCOPE` selects by, such as `tenant`."""
    read_with: ClassVar[Sequence[str]] = ()
    """Names of foreign keys that kinds follow, so that lists read them in the same query."""

    notification = models.OneToOneField(
        "notifications_hub.Notification",
        on_delete=models.CASCADE,
        primary_key=True,
        editable=False,
        related_name=ACCESSOR,
    )

    objects: ClassVar[models.Manager[Any]] = PrimaryManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def for_notification(self, notification: models.Model) -> Self:
        """Return a copy for a stored notification, which then has it as its `extension`."""
        row = type(self).__new__(type(self))
        row.__dict__.update(self.__dict__, notification_id=notification.pk, _state=ModelState())
        row._state.db, row._state.adding = notification._state.db, False
        row._state.fields_cache = {**self._state.fields_cache, "notification": notification}
        keep(notification, row)
        return row


@cache
def extension_model() -> type[NotificationExtension] | None:
    """Return the host's model, or None. Raise `ImproperlyConfigured` if there are several."""
    found = extension_models()
    if len(found) > 1:
        names = ", ".join(model._meta.label for model in found)
        raise ImproperlyConfigured(f"There are several notification extensions: {names}. {ONE_WANTED}")
    return found[0] if found else None


def extension_models() -> list[type[NotificationExtension]]:
    """Return every concrete subclass that is installed."""
    return [model for model in apps.get_models() if issubclass(model, NotificationExtension) and not model._meta.proxy]


def columns_of(model: type[NotificationExtension]) -> list[models.Field[Any, Any]]:
    """Return the host's fields, without the notification itself."""
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def joins() -> list[str]:
    """Return what lists of notifications join for the host's columns."""
    model = extension_model()
    return [] if model is None else [ACCESSOR, *(f"{ACCESSOR}__{name}" for name in model.read_with)]


def extension_of(notification: models.Model) -> NotificationExtension | None:
    """Return the row of a notification, or one with default values if it has none. None: no extension is declared."""
    model = extension_model()
    if model is None:
        return None
    row: NotificationExtension | None = getattr(notification, ACCESSOR, None)
    return model() if row is None else row


def payload_of(row: NotificationExtension | None) -> Mapping[str, Any] | None:
    """Return the values for pages, as JSON has them, or None if no field is named. A foreign key is its key."""
    if row is None or not row.payload:
        return None
    values = {name: value_of(row, name) for name in row.payload}
    found: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return found


def value_of(row: NotificationExtension, name: str) -> Any:
    """Return the value of a column by its field's name."""
    # A system check allows the names of columns only.
    field = cast("models.Field[Any, Any]", row._meta.get_field(name))
    return field.value_from_object(row)


def keep(notification: models.Model, row: NotificationExtension) -> None:
    """Let `notification.extension` return this row without a query."""
    notification._state.fields_cache[ACCESSOR] = row
