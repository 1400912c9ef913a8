"""The keywords of `notify.send()` that name a host's columns, checked and converted before anything is written."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from notifications_hub.extension import NotificationExtension, columns_of, extension_model, value_of
from notifications_hub.kinds import Kind
from notifications_hub.streams.models import as_json
from notifications_hub.web.text import is_storable

MAX_SCOPE = 100


class BadValue(ValueError):
    """Raised when a host's column cannot hold what a keyword gives, or a keyword is missing."""


def extension_from(given: dict[str, Any], kind: Kind) -> NotificationExtension | None:
    """Take the host's columns out of `given`. Return their row, still without a notification. Raise `BadValue`.

    Return None if no extension is declared, or the kind has none.
    """
    model = extension_model()
    if model is None:
        return None
    values = {field: _taken(field, given) for field in columns_of(model)}
    if not kind.has_extension:
        _refuse([field.name for field, value in values.items() if value is not _MISSING], kind)
        return None
    row = model()
    for field, value in values.items():
        if value is not _MISSING:
            _set(row, field, value)
        elif is_required(field):
            raise BadValue(f"{model.__name__} needs {field.name}=…, or a default for it")
        setattr(row, field.attname, field.pre_save(row, add=True))
    return row


def scope_text(value: object) -> str:
    """Return a scope as it is stored: the text of a value, or of an instance's primary key. Empty for None."""
    found = value.pk if isinstance(value, models.Model) else value
    text = "" if found is None else str(found)
    if len(text) > MAX_SCOPE or not is_storable(text):
        raise BadValue(f"a scope has at most {MAX_SCOPE} characters, and no NUL: {text[:MAX_SCOPE]!r}")
    return text


def scope_from(row: NotificationExtension | None) -> str | None:
    """Return the scope of a new notification. None: the host has declared no scopes."""
    model = extension_model()
    if model is None or not model.scope_by:
        return None
    return "" if row is None else scope_text(value_of(row, model.scope_by))


def is_required(field: models.Field[Any, Any]) -> bool:
    """Return whether a row cannot be stored without a value for this field."""
    if field.null or field.has_default() or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return False
    return not (field.blank and field.empty_strings_allowed)


_MISSING = object()


def _taken(field: models.Field[Any, Any], given: dict[str, Any]) -> Any:
    """Take a field's value, by its name or its column's: `tenant` or `tenant_id`."""
    names = [name for name in dict.fromkeys((field.name, field.attname)) if name in given]
    if len(names) > 1:
        raise BadValue(f"give either {names[0]} or {names[1]}")
    return given.pop(names[0]) if names else _MISSING


def _refuse(names: list[str], kind: Kind) -> None:
    if names:
        raise BadValue(f"the kind {kind.name!r} has has_extension = False, so it takes no {', '.join(names)}")


def _set(row: NotificationExtension, field: models.Field[Any, Any], value: object) -> None:
    if value is None:
        if not field.null:
            raise BadValue(f"the {field.name} must not be None")
        setattr(row, field.attname, None)
    elif isinstance(value, models.Model):
        setattr(row, field.name, _checked(field, value))
    else:
        setattr(row, field.attname, _plain(field, value))


def _checked(field: models.Field[Any, Any], value: models.Model) -> models.Model:
    related: type[models.Model] | None = field.remote_field.model if field.remote_field else None
    if related is None or not isinstance(value, related._meta.concrete_model or related):
        raise BadValue(_wrong(field, value))
    if value.pk is None or value._state.adding:
        raise BadValue(f"the {field.name} {value!r} is not saved yet; save it first")
    return value


def _plain(field: models.Field[Any, Any], value: object) -> Any:
    try:
        if isinstance(value, str | float | list | dict):
            # Refuses NaN, NUL and the like, which not every database and no browser takes.
            as_json(value)
        if isinstance(field, models.ForeignKey):
            # The database knows whether that row exists.
            return field.target_field.to_python(value)
        return field.clean(value, None)
    except (ValidationError, TypeError, ValueError) as error:
        reason = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise BadValue(f"{_wrong(field, value)}. {reason}") from None


def _wrong(field: models.Field[Any, Any], value: object) -> str:
    if isinstance(field, models.ForeignKey):
        wanted = f"a saved {field.remote_field.model.__name__} or its primary key"
    else:
        wanted = f"a value for a {type(field).__name__}"
    return f"the {field.name} must be {wanted}, not {value!r:.200}"
