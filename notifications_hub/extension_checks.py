"""System checks of a host's `NotificationExtension`: report mistakes at start-up, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import models, router

from notifications_hub import conf
from notifications_hub.database.primary import hub_alias
from notifications_hub.extension import ONE_WANTED, NotificationExtension, columns_of, extension_models
from notifications_hub.notify_arguments import ARGUMENTS

Model = type[NotificationExtension]


@register(Tags.models)
def check_extensions(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return list(problems_of(extension_models()))


@register(Tags.compatibility)
def check_scope(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    try:
        is_set = conf.load().inbox_scope is not conf.HubSettings.inbox_scope
    except (ImproperlyConfigured, ImportError):
        # `check_settings` reports it.
        return []
    if not is_set or any(model.scope_by for model in extension_models()):
        return []
    return [
        Error(
            "INBOX_SCOPE is set, but no notification has a scope.",
            hint='Write scope_by = "tenant", the name of a field, in your NotificationExtension.',
            id="notifications_hub.E024",
        )
    ]


def problems_of(found: Sequence[Model]) -> Iterator[CheckMessage]:
    """Yield what is wrong with the host's models, of which there may be one."""
    if len(found) > 1:
        names = ", ".join(model._meta.label for model in found)
        fault = f"There are several notification extensions: {names}."
        yield Error(fault, hint=ONE_WANTED, obj=found[-1], id="notifications_hub.E021")
    for model in found:
        yield from _fields(model)
        yield from _names(model)
        yield from _home(model)


def _fields(model: Model) -> Iterator[CheckMessage]:
    for field in [*model._meta.fields, *model._meta.many_to_many]:
        if field.name in ARGUMENTS or field.attname in ARGUMENTS:
            fault = f"{model.__name__}.{field.name} has the name of an argument of notify.send()."
            yield Error(fault, hint="Rename the field.", obj=field, id="notifications_hub.E022")
        if not _is_plain(field):
            fault = f"notify.send() cannot write {model.__name__}.{field.name}."
            hint = "Use a column with a `default`: no many-to-many, no generated field, no `db_default` alone."
            yield Error(fault, hint=hint, obj=field, id="notifications_hub.E022")


def _is_plain(field: models.Field[Any, Any]) -> bool:
    is_generated = getattr(field, "generated", False) or (field.has_db_default() and not field.has_default())
    return field.column is not None and not field.many_to_many and not is_generated


def _names(model: Model) -> Iterator[CheckMessage]:
    columns = {field.name: field for field in columns_of(model)}
    keys = {name for name, field in columns.items() if field.is_relation}
    scope = [model.scope_by] if model.scope_by else []
    for attribute, names, allowed in (
        ("payload", model.payload, columns.keys()),
        ("scope_by", scope, columns.keys()),
        ("read_with", model.read_with, keys),
    ):
        for name in names:
            if name not in allowed:
                fault = f"{model.__name__}.{attribute} names {name!r}, which is no field that it can use."
                hint = f"Use one of {', '.join(sorted(allowed)) or 'your own fields'}."
                yield Error(fault, hint=hint, obj=model, id="notifications_hub.E023")


def _home(model: Model) -> Iterator[CheckMessage]:
    if router.db_for_write(model) != hub_alias():
        fault = f"A database router writes {model.__name__} to a different database than notifications."
        hint = "Make db_for_write return the database of notifications_hub for it: both are written in one transaction."
        yield Error(fault, hint=hint, obj=model, id="notifications_hub.E025")
