"""Views for monitoring: whether the process is alive, whether it can serve, and its metrics."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from ipaddress import ip_network

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from notifications_hub.conf import hub_settings
from notifications_hub.database.migrations import count_unapplied
from notifications_hub.database.primary import connection
from notifications_hub.live.hub import current_hub
from notifications_hub.ops import metrics
from notifications_hub.web.client_ip import client_ip

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")

log = logging.getLogger(__name__)


@login_not_required
@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Return 200 without any check: an unreachable database is not a reason to kill this process."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Return 503 if this process should get no visitors now. The answer names the failed part, never the cause."""
    found = {name: _holds(name, check) for name, check in _CHECKS.items()}
    good = all(found.values())
    answer = {name: "ok" if holds else "failed" for name, holds in found.items()}
    return JsonResponse(answer, status=200 if good else 503)


@login_not_required
@require_safe
@never_cache
async def measured(request: HttpRequest) -> HttpResponse:
    """Return metrics in Prometheus' text format. Raise `Http404` if the settings name no token and no address."""
    if not (hub_settings.metrics_token or hub_settings.metrics_allow):
        raise Http404
    if not (_has_token(request) or _is_on_allow_list(request) or await _is_staff(request)):
        refusal = "Send the token as `Authorization: Bearer`, or sign in as staff.\n"
        return HttpResponse(refusal, status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"})
    # The hub's connections may only be counted on the event loop.
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
    return count_unapplied() == 0


def _cache() -> bool:
    mark = secrets.token_hex(8)
    key = f"notifications_hub:ready:{mark}"
    cache.set(key, mark, 10)
    return bool(cache.get(key) == mark)


_CHECKS = {"database": _database, "migrations": _migrations, "cache": _cache}


async def _is_staff(request: HttpRequest) -> bool:
    person = await request.auser()
    return bool(getattr(person, "is_staff", False))


def _has_token(request: HttpRequest) -> bool:
    token = hub_settings.metrics_token
    return bool(token) and constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")


def _is_on_allow_list(request: HttpRequest) -> bool:
    """Return whether the client's address is allowed. Requests by a proxy never are: all have the proxy's address."""
    address = client_ip(request)
    if address is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        networks = [ip_network(allowed) for allowed in hub_settings.metrics_allow]
    except ValueError:
        # The system check names the invalid entry.
        return False
    return any(address in network for network in networks)
