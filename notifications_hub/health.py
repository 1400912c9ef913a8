"""For what watches the site: is the process alive, can it serve, and how far behind is it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from ipaddress import ip_address

from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from notifications_hub import metrics
from notifications_hub.live.hub import current_hub
from notifications_hub.primary import connection

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")

log = logging.getLogger(__name__)


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Asks nothing of anyone: a database that is away is no reason to kill this process."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """503 where this process should get no visitors now; which part is missing, and never why."""
    found = {name: _holds(name, check) for name, check in _CHECKS.items()}
    good = all(found.values())
    answer = {name: "ok" if holds else "failed" for name, holds in found.items()}
    return JsonResponse(answer, status=200 if good else 503)


@require_safe
@never_cache
async def measured(request: HttpRequest) -> HttpResponse:
    """In Prometheus' text format, for staff, or for a scraper on this machine that no proxy speaks for."""
    if not (_is_local(request) or await _is_staff(request)):
        return HttpResponse("Only for staff, or from this machine itself.\n", status=403, content_type="text/plain")
    # On the event loop, where the hub's connections may be counted.
    hub = current_hub()
    connections = len(hub.connections()) if hub else 0
    text = await sync_to_async(metrics.exposition)(connections)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _holds(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:
        log.exception("Not ready: %s", name)
        return False


def _database() -> bool:
    with connection.cursor() as sql:
        sql.execute("SELECT 1")
        return bool(sql.fetchone() == (1,))


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _cache() -> bool:
    mark = secrets.token_hex(8)
    key = f"notifications_hub:ready:{mark}"
    cache.set(key, mark, 10)
    return bool(cache.get(key) == mark)


_CHECKS = {"database": _database, "migrations": _migrations, "cache": _cache}


async def _is_staff(request: HttpRequest) -> bool:
    person = await request.auser()
    return bool(getattr(person, "is_staff", False))


def _is_local(request: HttpRequest) -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
