"""Settings mistakes, said at start-up with their remedy."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from notifications_hub import conf
from notifications_hub.live.origin import parse
from notifications_hub.live.topics import unreachable_patterns
from notifications_hub.rows import LiveQuerySet, triggers
from notifications_hub.rows.declared import declared_models
from notifications_hub.transports.key_check import LOST, is_lost
from notifications_hub.transports.vapid import current_key, previous_key

MODEL = "notifications_hub.Notification"


@register(Tags.compatibility)
def check_settings(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    try:
        loaded = conf.load()
    except (ImproperlyConfigured, ImportError) as error:
        return [Error(str(error), id="notifications_hub.E002")]
    return [
        *map(_unknown, conf.unknown_keys()),
        *_model(),
        *_time_zones(),
        *_origins(loaded.live_allowed_origins),
        *_keys(),
    ]


@register(Tags.database)
def check_key(app_configs: Sequence[Any] | None, databases: Sequence[str] | None, **kwargs: Any) -> list[CheckMessage]:
    """Also made when a server or a worker starts, as Django makes checks of the database only where it is told to."""
    try:
        lost = "default" in (databases or ()) and is_lost()
    except (DatabaseError, ImproperlyConfigured):
        # Before the first migration there is no table, and a key that is none is said above.
        return []
    return [Error(LOST, id="notifications_hub.E006")] if lost else []


def _keys() -> list[CheckMessage]:
    try:
        current_key()
        previous_key()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="notifications_hub.E005")]
    return []


@register(Tags.database)
def check_row_triggers(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    try:
        words = [*triggers.disagreements()] if "default" in (databases or ()) else []
    except (DatabaseError, ImproperlyConfigured):
        return []
    return [checks.Warning(each, id="notifications_hub.W001") for each in words]


@register(Tags.models)
def check_row_trigger_names(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    try:
        for label in sorted(triggers.named()):
            triggers.model_of(label)
    except triggers.NotPossible as error:
        return [Error(f"ROW_TRIGGERS: {error}", id="notifications_hub.E009")]
    return []


@register(Tags.models)
def check_live_models(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{model.__name__} is live, but what its manager {model._default_manager.name!r} changes at once is not.",
            hint=f"Write {model._default_manager.name} = LiveManager(), or build yours from LiveQuerySet.",
            obj=model,
            id="notifications_hub.E008",
        )
        for model in declared_models()
        if not isinstance(model._default_manager.all(), LiveQuerySet)
    ]


@register(Tags.compatibility)
def check_topics(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"@topic({pattern!r}) names a topic of the package's own, so its rule is never asked.",
            hint="Publish to a topic of another name; who may listen to inboxes, groups, audiences and tasks is fixed.",
            id="notifications_hub.E020",
        )
        for pattern in unreachable_patterns()
    ]


def _unknown(key: str) -> CheckMessage:
    close = get_close_matches(key, conf.known_keys(), n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(sorted(conf.known_keys()))}."
    return Error(f"{conf.SETTING} has an unknown key {key!r}.", hint=hint, id="notifications_hub.E001")


def _model() -> list[CheckMessage]:
    if getattr(settings, "NOTIFICATIONS_NOTIFICATION_MODEL", None) == MODEL:
        return []
    return [
        Error(
            "django-notifications does not use this app's notification model.",
            hint=f'Set NOTIFICATIONS_NOTIFICATION_MODEL = "{MODEL}" before the first migration.',
            id="notifications_hub.E003",
        )
    ]


def _time_zones() -> list[CheckMessage]:
    if settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is off, so moments are stored without their zone.",
            hint="Set USE_TZ = True: when a push is due is told by the database's clock, when it was made by Python's.",
            id="notifications_hub.E007",
        )
    ]


def _origins(origins: Sequence[str]) -> list[CheckMessage]:
    return [
        Error(
            f"{origin!r} in LIVE_ALLOWED_ORIGINS is not an origin.",
            hint="Write scheme, host and port, like 'https://example.com'; a wildcard would let any page in.",
            id="notifications_hub.E004",
        )
        for origin in origins
        if "*" in origin or parse(origin) is None
    ]
