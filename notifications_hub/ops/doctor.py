"""The checks of `hub_doctor`: findings in plain words about a site's settings and services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.cache import DEFAULT_CACHE_ALIAS, cache, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError
from django.urls import NoReverseMatch, is_valid_path, reverse
from django.utils.connection import ConnectionDoesNotExist
from django.utils.module_loading import import_string

from notifications_hub.checks import is_model_set
from notifications_hub.conf import hub_settings
from notifications_hub.database.migrations import fault_of_tables
from notifications_hub.database.pooling import SERVER_CONNECTIONS, is_pooled, missing_timeouts, pool_size
from notifications_hub.database.primary import connection, hub_alias
from notifications_hub.database.reconnect import first_line
from notifications_hub.database.sqlite.options import missing_options
from notifications_hub.delivery import heartbeat
from notifications_hub.flash import Storage
from notifications_hub.live.channel_layer import GROUP, shared_layer
from notifications_hub.name_clashes import MODEL, MODEL_WANTED
from notifications_hub.ops import demo
from notifications_hub.ops.push_checks import push
from notifications_hub.ops.running_server import check_websocket
from notifications_hub.ops.servers import application_fault, describe_servers
from notifications_hub.ops.worker_checks import (
    ANSWER_SECONDS,
    Answer,
    deliveries,
    escalations,
    jobs,
    running_processes,
    sign_of_life,
    worker,
)
from notifications_hub.package_import.old_table import leftover
from notifications_hub.rows import triggers
from notifications_hub.rows.trigger_notes import RowChange
from notifications_hub.streams.models import Event

FEW_ENTRIES = 1000
"""The size below which a culling cache is reported. It holds an entry for each person who is present, and others."""
_MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)


@dataclass(frozen=True, slots=True)
class Finding:
    about: str
    words: str
    good: bool = True


def examine(server: str = "") -> Iterator[Finding]:
    """Yield a finding for each check. A check that fails to run is a bad finding, never an error.

    `server` is the URL of a running server to check too.
    """
    for check in _CHECKS:
        about = check.__name__.strip("_").replace("_", " ")
        try:
            words, good = check()
        except (DatabaseError, ImproperlyConfigured, ImportError) as error:
            words, good = f"could not be checked: {first_line(error)}", False
        yield Finding(about, words, good)
    if server:
        yield Finding("running server", *check_websocket(server))


# The database


def _database() -> Answer:
    if connection.vendor == "sqlite":
        return _sqlite()
    if connection.vendor == "postgresql":
        with connection.cursor() as sql:
            sql.execute("SHOW server_version")
            return f"PostgreSQL {sql.fetchone()[0]}.", True
    return f"{connection.vendor} is not supported: use PostgreSQL or SQLite.", False


def _connections() -> Answer:
    use = f"a process uses up to {SERVER_CONNECTIONS} at once, and one for each page in progress"
    if is_pooled(connection) and (size := pool_size(connection)) <= SERVER_CONNECTIONS:
        remedy = f'"OPTIONS": {{"pool": {{"max_size": {SERVER_CONNECTIONS + 10}, "timeout": 5}}}}'
        return f"the pool has {size}, so pages wait for the hub: {use}. Set {remedy}.", False
    if missing := missing_timeouts(connection):
        return f"a database that hangs would hold each request for long. Add to its OPTIONS: {missing}.", False
    return f"the pool has {pool_size(connection)}: {use}." if is_pooled(connection) else f"not pooled: {use}.", True


def _sqlite() -> Answer:
    with connection.cursor() as sql:
        sql.execute("PRAGMA journal_mode")
        journal = str(sql.fetchone()[0]).upper()
    if missing := missing_options(connection):
        return f"SQLite, where requests that write at once fail. Add to its OPTIONS: {missing}.", False
    if journal != "WAL":
        return (
            f"SQLite in {journal} mode: readers wait for writers. Use a file on a local disk, where WAL mode works.",
            False,
        )
    return "SQLite in WAL mode, with immediate transactions: right for one machine.", True


def _tables() -> Answer:
    if fault := fault_of_tables() or (is_model_set() and leftover()):
        return fault, False
    return "every migration is applied.", True


def _requests() -> Answer:
    if not connection.settings_dict.get("ATOMIC_REQUESTS"):
        return "ATOMIC_REQUESTS is off.", True
    if connection.vendor == "sqlite":
        return "ATOMIC_REQUESTS is on: with SQLite every page waits for every other. Turn it off.", False
    return "ATOMIC_REQUESTS is on: people are notified when the whole request has ended.", True


def _inbox_replica() -> Answer:
    alias = hub_settings.inbox_replica
    if not alias:
        return "none: inboxes are read from the primary.", True
    try:
        there = heartbeat.last(alias)
    except (DatabaseError, InterfaceError, ConnectionDoesNotExist) as error:
        return f"{alias!r} failed ({first_line(error)}): inboxes are read from the primary.", False
    here, age = heartbeat.last(hub_alias()), heartbeat.age()
    if here and (there is None or (here - there).total_seconds() > heartbeat.LATE_SECONDS):
        return f"{alias!r} lacks what is new: inboxes that change are read from the primary. See to replication.", False
    # Nothing was written that the replica could lack.
    if here is None or there is None or age is None or age.total_seconds() > heartbeat.LATE_SECONDS:
        return f"{alias!r} answers. How late it is will be known once a worker runs.", True
    return f"{alias!r} is less than {int((age + here - there).total_seconds()) + 1} s behind.", True


# What is shared between processes


def _channel_layer() -> Answer:
    layer = shared_layer()
    if layer is None:
        return "none is shared: events arrive at once within a process, and in a second or two between several.", True
    try:
        asyncio.run(asyncio.wait_for(layer.group_send(GROUP, {"type": "hub.hint", "tops": []}), ANSWER_SECONDS))
    except Exception as error:  # noqa: BLE001 -- each layer has faults of its own, and all mean that it is away
        return f"{type(layer).__name__} does not answer ({first_line(error)}): events are late, but not lost.", False
    return f"{type(layer).__name__}, shared by all processes.", True


def _presence() -> Answer:
    backend = _cache_backend()
    name = type(backend).__name__
    if isinstance(backend, DummyCache):
        return f"the cache is {name}, which forgets everything: nobody counts as present.", False
    if isinstance(backend, LocMemCache):
        # A site under development is one process.
        known = f"the cache is {name}: each process knows only its own pages."
        return f"{known} Several processes need Redis or DatabaseCache.", settings.DEBUG
    if (most := _most_entries(backend)) < FEW_ENTRIES:
        remedy = 'Set "OPTIONS": {"MAX_ENTRIES": 100_000}, or use Redis.'
        return (
            f"beyond {most} entries {name} drops a third of them, and people who are present with them. {remedy}",
            False,
        )
    try:
        cache.set("notifications_hub:doctor", "here", 10)
        kept = cache.get("notifications_hub:doctor") == "here"
    except DatabaseError:
        return f"the cache is {name}, and its table is missing: run `manage.py createcachetable`.", False
    except Exception as error:  # noqa: BLE001 -- each cache has faults of its own
        return f"the cache, {name}, does not answer ({first_line(error)}).", False
    return (f"kept in {name}, shared by all processes.", True) if kept else (f"{name} does not keep its values.", False)


def _most_entries(backend: BaseCache) -> float:
    culls = isinstance(backend, (DatabaseCache, FileBasedCache))
    return int(backend._max_entries) if culls else float("inf")


def _cache_backend() -> BaseCache:
    return caches[DEFAULT_CACHE_ALIAS]


# Sending


def _events() -> Answer:
    stale = Event.objects.filter(seq=None, created__lt=datetime.now(UTC) - timedelta(seconds=10)).count()
    if stale:
        return f"{stale} have waited for a number for more than 10 s: no hub and no worker runs.", False
    return "all have their numbers.", True


def _row_triggers() -> Answer:
    if words := [*triggers.disagreements()]:
        return " ".join(words), False
    stale = RowChange.objects.filter(created__lt=datetime.now(UTC) - timedelta(seconds=10)).count()
    if stale:
        return f"{stale} changes have waited for more than 10 s: no hub and no worker runs.", False
    if labels := sorted(triggers.named()):
        return f"changes by raw SQL are published for {', '.join(labels)}.", True
    return "none: changes of live rows by raw SQL are not published.", True


# The host's settings and URLs


def _model() -> Answer:
    return (f"NOTIFICATIONS_NOTIFICATION_MODEL is {MODEL}.", True) if is_model_set() else (MODEL_WANTED, False)


def _flash() -> Answer:
    storage = import_string(settings.MESSAGE_STORAGE)
    if isinstance(storage, type) and issubclass(storage, Storage):
        return f"MESSAGE_STORAGE is {settings.MESSAGE_STORAGE}.", True
    return 'off: set MESSAGE_STORAGE = "notifications_hub.flash.Storage" to show undelivered notifications.', False


def _middleware() -> Answer:
    indexes = [settings.MIDDLEWARE.index(name) if name in settings.MIDDLEWARE else -1 for name in _MIDDLEWARE]
    names = [name.rpartition(".")[2] for name in _MIDDLEWARE]
    if missing := [name for name, index in zip(names, indexes, strict=True) if index < 0]:
        return f"{', '.join(missing)} is missing.", False
    if indexes != sorted(indexes):
        return f"the order must be {', '.join(names)}: a flash needs to know the person.", False
    return f"{', '.join(names)}, in this order.", True


def _addresses() -> Answer:
    missing = [name for name in ("notifications_hub:inbox", "notifications_hub:live_ws") if not _is_mounted(name)]
    if missing:
        return 'add path("", include("notifications_hub.urls")) to the URLs.', False
    folder = settings.FORCE_SCRIPT_NAME or ""
    if folder and (not folder.startswith("/") or folder.endswith("/")):
        return f"FORCE_SCRIPT_NAME is {folder!r}: it must begin with a slash and end without one, like '/app'.", False
    inbox, api = reverse("notifications_hub:inbox"), reverse("notifications_hub_api:openapi-view")
    return f"the inbox is at {inbox}, and the page about the API, for staff, at {api}.", True


def _demo_people() -> Answer:
    if refusal := demo.refusal():
        return refusal, False
    if names := ", ".join(person.get_username() for person in demo.open_accounts()):
        return f"{names}: sign in with the demo password, which is fine while DEBUG is on.", True
    return "nobody has the demo password.", True


def _server() -> Answer:
    if not getattr(settings, "ASGI_APPLICATION", None):
        return "pages poll under WSGI. Name asgi.py in ASGI_APPLICATION, and start `manage.py hub_serve`.", False
    if fault := application_fault():
        return fault, False
    if settings.DEBUG and not _serves_files():
        remedy = 'staticfiles_urlpatterns("/static/")' if settings.FORCE_SCRIPT_NAME else "staticfiles_urlpatterns()"
        return f"uvicorn serves no static files: add {remedy} to the URLs.", False
    if served := describe_servers(running_processes() or []):
        return f"{settings.ASGI_APPLICATION}, {served}", True
    return f"{settings.ASGI_APPLICATION}: start `manage.py hub_serve`. Under `runserver` (WSGI) pages poll.", True


def _serves_files() -> bool:
    by_middleware = any("static" in name.lower() or "whitenoise" in name.lower() for name in settings.MIDDLEWARE)
    # Django removes the folder from a path before it looks at the URLs.
    by_url = bool(is_valid_path(f"{settings.STATIC_URL.removeprefix(settings.FORCE_SCRIPT_NAME or '')}index.js"))
    return by_middleware or by_url or not str(settings.STATIC_URL).startswith("/")


def _is_mounted(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True


_CHECKS: tuple[Callable[[], Answer], ...] = (
    _database,
    _connections,
    _tables,
    _requests,
    _inbox_replica,
    _model,
    _addresses,
    _middleware,
    _flash,
    _server,
    _demo_people,
    _channel_layer,
    _presence,
    push,
    worker,
    sign_of_life,
    deliveries,
    escalations,
    jobs,
    _events,
    _row_triggers,
)
