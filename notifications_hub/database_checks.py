"""System checks of the databases and routers. They look at settings and models only, and open no connection."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.cache import DEFAULT_CACHE_ALIAS
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.models import Model

from notifications_hub.conf import load
from notifications_hub.database.pooling import missing_timeouts
from notifications_hub.database.primary import hub_alias, hub_models, references_of
from notifications_hub.database.sqlite.options import missing_options
from notifications_hub.rows.registry import declared_models

_VENDORS = {"mysql": "MySQL or MariaDB", "oracle": "Oracle"}


@register(Tags.compatibility)
def check_databases(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Reject unsupported databases, and warn of SQLite as Django sets it up."""
    aliases = sorted({router.db_for_write(model) for model in hub_models()})
    return [problem for alias in aliases for problem in _problems_of(alias)]


def _problems_of(alias: str) -> Iterator[CheckMessage]:
    vendor = _vendor(alias)
    if vendor not in ("postgresql", "sqlite"):
        yield Error(
            f"The database {alias!r} is {_VENDORS.get(vendor, vendor)}, which the hub does not support.",
            hint="Use PostgreSQL or SQLite. A database router may send the hub there, with the people and content "
            'types that it refers to: see "Two databases" in the guide "Beside what your project has".',
            id="notifications_hub.E013",
        )
    elif vendor == "sqlite" and (missing := missing_options(connections[alias])):
        yield checks.Warning(
            f'The database {alias!r} is SQLite, where requests that write at once fail with "database is locked".',
            hint=f"Add to DATABASES[{alias!r}]['OPTIONS']: {missing}.",
            id="notifications_hub.W040",
        )


@register(Tags.compatibility, deploy=True)
def check_timeouts(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of a PostgreSQL that a request would wait for without end."""
    aliases = sorted({router.db_for_write(model) for model in hub_models()})
    return [
        checks.Warning(
            f"If the database {alias!r} hangs, each request is held for minutes, with a thread.",
            hint=f"Add to DATABASES[{alias!r}]['OPTIONS']: {missing}.",
            id="notifications_hub.W073",
        )
        for alias in aliases
        if _vendor(alias) == "postgresql" and (missing := missing_timeouts(connections[alias]))
    ]


def _vendor(alias: str) -> str:
    try:
        return str(connections[alias].vendor)
    except (ImproperlyConfigured, ImportError):
        # The driver may be missing, and is not needed to know the vendor.
        return str(connections.settings[alias]["ENGINE"]).rpartition(".")[2]


@register(Tags.compatibility)
def check_replica(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Reject an `INBOX_REPLICA` that is no other database."""
    try:
        alias = load().inbox_replica
    except (ImproperlyConfigured, ImportError):
        # `check_settings` reports it.
        return []
    if not alias or (alias in connections.settings and alias != hub_alias()):
        return []
    return [
        Error(
            f"INBOX_REPLICA is {alias!r}, which is not a replica of the database {hub_alias()!r}.",
            hint="Name the alias in DATABASES of a streaming replica, or leave the setting out.",
            id="notifications_hub.E089",
        )
    ]


@register(Tags.compatibility)
def check_cache_servers(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of a Redis cache with several servers: Django reads from all but the first, which lag behind it."""
    given = settings.CACHES.get(DEFAULT_CACHE_ALIAS, {})
    location = given.get("LOCATION") or ""
    servers = re.split("[;,]", location) if isinstance(location, str) else list(location)
    if not str(given.get("BACKEND", "")).endswith(".RedisCache") or len(servers) < 2:
        return []
    return [
        checks.Warning(
            "CACHES['default'] lists several Redis servers, and Django reads from those that lag behind the first. "
            "Presence, rate limits and /readyz then see old values.",
            hint='Name one server. To outlive its failure, let Sentinel watch it: see "Redis with Sentinel" in '
            "docs/deploying.md.",
            id="notifications_hub.W070",
        )
    ]


@register(Tags.models)
def check_routers(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    own = hub_models()
    return [*_elsewhere({*own, get_user_model(), *references_of(own), *declared_models()}), *_not_migrated(own)]


def _elsewhere(models: Collection[type[Model]]) -> list[CheckMessage]:
    # Our rows refer to people, and live rows change in one transaction with their events.
    written = {model: router.db_for_write(model) for model in models}
    [(home, _number)] = Counter(written.values()).most_common(1)
    elsewhere = sorted(model.__name__ for model, alias in written.items() if alias != home)
    if not elsewhere:
        return []
    return [
        Error(
            f"A database router writes {', '.join(elsewhere)} to a different database than the hub's other models.",
            hint="Make db_for_write return one alias for the models of notifications_hub, the user model, what they "
            "refer to (groups, content types) and all live models: they refer to each other, and change in one "
            "transaction. Reads may go to replicas; the hub reads where it writes.",
            id="notifications_hub.E014",
        )
    ]


def _not_migrated(own: Collection[type[Model]]) -> list[CheckMessage]:
    refused = sorted(model.__name__ for model in own if not router.allow_migrate_model(hub_alias(), model))
    if not refused:
        return []
    return [
        Error(
            f"A database router writes {', '.join(refused)} to {hub_alias()!r}, but makes no tables there.",
            hint=f"Make allow_migrate return True for notifications_hub and {hub_alias()!r}.",
            id="notifications_hub.E019",
        )
    ]
