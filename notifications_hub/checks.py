"""System checks: report mistakes in settings and declarations at start-up, with the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from notifications_hub import conf
from notifications_hub.database.primary import hub_alias
from notifications_hub.email_checks import check_emails
from notifications_hub.escalation.declaration_checks import check_escalations
from notifications_hub.icon_checks import check_icons
from notifications_hub.live.origin import parse
from notifications_hub.live.topics import unreachable_patterns
from notifications_hub.method_checks import check_methods
from notifications_hub.name_clashes import MODEL, MODEL_WANTED
from notifications_hub.ops import demo
from notifications_hub.ops.metrics_checks import check_metrics
from notifications_hub.package_import import old_table, shared_folder
from notifications_hub.rows import LiveQuerySet, triggers
from notifications_hub.rows.registry import declared_models
from notifications_hub.transports.web_push.key_check import LOST, is_lost
from notifications_hub.transports.web_push.key_setup import subject_fault
from notifications_hub.transports.web_push.vapid import current_key, previous_key
from notifications_hub.web import throttle

LEAST_INBOX = 100
"""The least notifications that a limit keeps: a few pages."""


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
        *_networks(loaded.metrics_allow),
        *_rate("API_RATE", loaded.api_rate),
        *_rate("API_RATE_PER_ADDRESS", loaded.api_rate_per_address),
        *_rate("SERVICE_RATE", loaded.service_rate),
        *_rate("LIVE_RATE", loaded.live_rate),
        *_rate("LIVE_ANONYMOUS_RATE", loaded.live_anonymous_rate),
        *_rate("ANNOUNCEMENT_RATE", loaded.announcement_rate),
        *_keys(),
        *check_methods(loaded.transports, loaded.kind_defaults),
        *check_escalations(loaded.transports),
        *check_icons(),
        *_inbox_limit(loaded.inbox_limit),
        *_approval(loaded.announcement_approval_above),
        *check_emails(loaded),
        *check_metrics(loaded),
    ]


@register(Tags.database)
def check_key(app_configs: Sequence[Any] | None, databases: Sequence[str] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report a lost Web Push key. Servers and workers repeat this at start, since Django runs it only on request."""
    try:
        lost = hub_alias() in (databases or ()) and is_lost()
    except (DatabaseError, ImproperlyConfigured):
        # Before the first migration there is no table. `_keys` reports an invalid key.
        return []
    return [Error(LOST, id="notifications_hub.E006")] if lost else []


@register(Tags.security, deploy=True)
def check_demo_people(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report demo people. Queries the database without `--database`, since people run only `check --deploy`."""
    try:
        refusal = demo.refusal()
    except (DatabaseError, ImproperlyConfigured):
        # Nobody can sign in without a database and its tables.
        return []
    return [Error(refusal, id="notifications_hub.E010")] if refusal else []


def _approval(above: int | None) -> list[CheckMessage]:
    """Report announcements that would wait for approval for ever."""
    if above is None or apps.is_installed("django.contrib.admin"):
        return []
    words = (
        "ANNOUNCEMENT_APPROVAL_ABOVE lets announcements wait for a second person, who approves them in Django's admin. "
        "Add 'django.contrib.admin' to INSTALLED_APPS, or remove the setting."
    )
    return [checks.Warning(words, id="notifications_hub.W050")]


def _keys() -> list[CheckMessage]:
    try:
        current_key()
        previous_key()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="notifications_hub.E005")]
    if current_key() and (fault := subject_fault()):
        return [Error(f"Web Push: {fault}", id="notifications_hub.E005")]
    return []


@register(Tags.database)
def check_row_triggers(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    try:
        words = [*triggers.disagreements()] if hub_alias() in (databases or ()) else []
    except (DatabaseError, ImproperlyConfigured):
        return []
    return [checks.Warning(each, id="notifications_hub.W001") for each in words]


@register(Tags.database)
def check_old_table(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Report the table that django-notifications left behind. `migrate` runs this, and `check --database`."""
    try:
        words = old_table.leftover() if hub_alias() in (databases or ()) and is_model_set() else ""
    except (DatabaseError, ImproperlyConfigured):
        return []
    return [checks.Warning(words, id="notifications_hub.W005")] if words else []


@register(Tags.compatibility)
def check_shared_folder(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    words = shared_folder.shared()
    return [checks.Warning(words, id="notifications_hub.W035")] if words else []


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
            f"{model.__name__} is live, but bulk changes by its manager {model._default_manager.name!r} are not.",
            hint=f"Write {model._default_manager.name} = LiveManager(), or build your manager from LiveQuerySet.",
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
            f"@topic({pattern!r}) matches one of the hub's own topics, so its rule is never used.",
            hint="Use another topic name; access to inboxes, groups, audiences and tasks is fixed.",
            id="notifications_hub.E015",
        )
        for pattern in unreachable_patterns()
    ]


def _unknown(key: str) -> CheckMessage:
    close = get_close_matches(key, conf.known_keys(), n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(sorted(conf.known_keys()))}."
    return Error(f"{conf.SETTING} has an unknown key {key!r}.", hint=hint, id="notifications_hub.E001")


def _model() -> list[CheckMessage]:
    if is_model_set():
        return []
    fault = "django-notifications does not use this app's notification model."
    return [Error(fault, hint=MODEL_WANTED, id="notifications_hub.E003")]


def is_model_set() -> bool:
    """Return True if django-notifications stores its rows in this app's model."""
    return getattr(settings, "NOTIFICATIONS_NOTIFICATION_MODEL", None) == MODEL


def _time_zones() -> list[CheckMessage]:
    if settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is off, so times are stored without their time zone.",
            hint=conf.ZONES_WANTED,
            id="notifications_hub.E007",
        )
    ]


def _origins(origins: Sequence[str]) -> list[CheckMessage]:
    return [
        Error(
            f"{origin!r} in LIVE_ALLOWED_ORIGINS is not an origin.",
            hint="Write a scheme, a host and, if needed, a port: 'https://example.com'. Wildcards are not allowed.",
            id="notifications_hub.E004",
        )
        for origin in origins
        if "*" in origin or parse(origin) is None
    ]


def _rate(key: str, text: str) -> list[CheckMessage]:
    try:
        throttle.parse(text)
    except ValueError as error:
        return [Error(f"{key}: {error}", id="notifications_hub.E012")]
    return []


def _inbox_limit(limit: int) -> list[CheckMessage]:
    if limit == 0 or limit >= LEAST_INBOX:
        return []
    return [
        Error(
            f"INBOX_LIMIT is {limit}, so people would lose what they have just read.",
            hint=f"Keep {LEAST_INBOX} notifications or more for each person, or write 0 for no limit.",
            id="notifications_hub.E086",
        )
    ]


def _networks(networks: Sequence[str]) -> list[CheckMessage]:
    return [
        Error(
            f"{network!r} in METRICS_ALLOW is not an address or a network.",
            hint="Write an address like '10.1.2.3' or a network like '10.1.0.0/16'. Until then the list is empty.",
            id="notifications_hub.E011",
        )
        for network in networks
        if not _is_network(network)
    ]


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
