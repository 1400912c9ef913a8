"""Readiness: whether a process should get visitors, and which parts of the site are late.

A process is unready without its database, without a migration, and while it stops. Everything else it only names: a
page works without a worker, a cache or a channel layer, and all processes would leave the load balancer at once.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import OperationalError

from notifications_hub import streams
from notifications_hub.cache_keys import cache_key
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.database.migrations import count_unapplied
from notifications_hub.database.primary import connection
from notifications_hub.database.time_limit import time_limit
from notifications_hub.delivery import heartbeat
from notifications_hub.delivery.models import first_due_delivery
from notifications_hub.live.channel_layer import background_layer, shared_layer
from notifications_hub.live.hub import current_hub
from notifications_hub.ops.asking import PATIENCE, Question

RETRY_SECONDS = 2
NUMBERING_LATE = 10.0
DELIVERY_LATE = timedelta(seconds=90)
"""Longer than the lease of a killed worker."""
WORK_SECONDS = 1
"""The most that the question about late work takes. A migration may hold a table meanwhile."""
OK, LATE, FAILED, UNKNOWN = "ok", "late", "failed", "unknown"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of each part: `ok`, `late`, `failed` or `unknown`. One that failed makes the process unready."""

    parts: Mapping[str, str]

    @property
    def is_ready(self) -> bool:
        return FAILED not in self.parts.values()

    @property
    def status(self) -> int:
        return 200 if self.is_ready else 503

    @property
    def headers(self) -> dict[str, str]:
        return {"Cache-Control": "no-store"} | ({} if self.is_ready else {"Retry-After": str(RETRY_SECONDS)})


# The questions. Each runs in a thread of its own.


@dataclass
class _Migrated:
    """The knowledge that all migrations were applied once. Finding out reads every migration of the site."""

    known: bool = False


_migrated = _Migrated()


def _ask_database() -> Mapping[str, str]:
    with connection.cursor() as sql:
        sql.execute("SELECT 1")
    _migrated.known = _migrated.known or count_unapplied() == 0
    if not _migrated.known:
        return {**_UNKNOWN, "database": OK, "migrations": FAILED}
    return {"database": OK, "migrations": OK, **_work()}


def _work() -> Mapping[str, str]:
    try:
        # On SQLite it begins no transaction, so it does not wait for a program that writes.
        with time_limit(transaction.get_connection(), WORK_SECONDS):
            return {
                "worker": LATE if _is_worker_late() else OK,
                "numbering": LATE if streams.is_late(NUMBERING_LATE) else OK,
            }
    except OperationalError as error:
        log.warning("Nothing is known of the worker and of the numbering (%s)", error)
        return {"worker": UNKNOWN, "numbering": UNKNOWN}


def _is_worker_late() -> bool:
    oldest = first_due_delivery()
    if oldest is not None and datetime.now(UTC) - oldest > DELIVERY_LATE:
        return True
    if hub_settings.task_backend:
        # Such a worker runs only while there is something to do.
        return False
    age = heartbeat.age()
    return age is None or age.total_seconds() > heartbeat.LATE_SECONDS


def _ask_cache() -> bool:
    key, mark = cache_key("ready"), secrets.token_hex(8)
    cache.set(key, mark, 10)
    # Another process may have overwritten it meanwhile.
    return cache.get(key) is not None


def _ask_layer() -> bool:
    layer = current_hub() or background_layer()
    return layer is None or layer.layer_answers(PATIENCE / 2)


_database = Question("database", _ask_database)
_cache = Question("cache", _ask_cache)
_layer = Question("channel-layer", _ask_layer)
_UNKNOWN = dict.fromkeys(("database", "migrations", "worker", "numbering"), UNKNOWN)


def end_questions() -> None:
    """End the threads that ask, and ask again when somebody wants to know."""
    for question in (_database, _cache, _layer):
        question.end()
    _migrated.known = False


def readiness() -> Readiness:
    """Return the state of this process. The calling thread waits for at most `PATIENCE` seconds a part."""
    _begin_all()
    layer = _layer.answer() if shared_layer() else True
    return _readiness(_database.answer(), is_cached=bool(_cache.answer()), is_layered=bool(layer))


async def readiness_async() -> Readiness:
    """Return the state of this process. No thread waits."""
    _begin_all()
    layer = await _layer.answer_async() if shared_layer() else True
    database, cached = await _database.answer_async(), await _cache.answer_async()
    return _readiness(database, is_cached=bool(cached), is_layered=bool(layer))


def _begin_all() -> None:
    # So that they wait beside each other.
    _database.begin()
    _cache.begin()
    if shared_layer():
        _layer.begin()


def _readiness(database: Mapping[str, str] | None, *, is_cached: bool, is_layered: bool) -> Readiness:
    hub = current_hub()
    parts = {
        **({**_UNKNOWN, "database": FAILED} if database is None else database),
        "cache": OK if is_cached else LATE,
        "channel_layer": OK if is_layered else LATE,
        "server": FAILED if hub is not None and hub.is_draining else OK,
    }
    return Readiness(parts)


async def application(
    scope: Mapping[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Answer `/readyz` in ASGI, before any middleware, which may want a thread or a connection."""
    if scope["method"] not in ("GET", "HEAD"):
        await _answer(send, 405, {"detail": "Use GET."}, {"Allow": "GET, HEAD"}, with_body=True)
        return
    found = await readiness_async()
    await _answer(send, found.status, found.parts, found.headers, with_body=scope["method"] == "GET")


async def _answer(
    send: Callable[[dict[str, Any]], Awaitable[None]],
    status: int,
    body: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    with_body: bool,
) -> None:
    text = json.dumps(body).encode()
    named = {"content-type": "application/json", "content-length": str(len(text)), **headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": text if with_body else b""})
