"""Views for monitoring: whether the process is alive, whether it can serve, and its metrics."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db.transaction import non_atomic_requests
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from notifications_hub.conf import hub_settings
from notifications_hub.ops import metrics, readiness
from notifications_hub.ops.asking import Question
from notifications_hub.telemetry import measures
from notifications_hub.web.client_ip import client_ip

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")

figures = Question("metrics", metrics.ask, fresh=5.0, patience=3.0, keep=0.0)
"""The gauges that the database answers. Many scrapers cost one question, and a database that hangs holds no page."""


@login_not_required
@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Return 200 without any check: an unreachable database is not a reason to kill this process."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
@never_cache
@non_atomic_requests
def ready(request: HttpRequest) -> JsonResponse:
    """Return 503 if this process should get no visitors now. Under ASGI `live.server` answers instead of this view."""
    found = readiness.readiness()
    return JsonResponse(found.parts, status=found.status, headers=found.headers)


@login_not_required
@require_safe
@never_cache
@non_atomic_requests
async def measured(request: HttpRequest) -> HttpResponse:
    """Return metrics in Prometheus' text format. Raise `Http404` if the settings name no token and no address."""
    if not (hub_settings.metrics_token or hub_settings.metrics_allow):
        raise Http404
    if not (_has_token(request) or _is_on_allow_list(request) or await _is_staff(request)):
        refusal = "Send the token as `Authorization: Bearer`, or sign in as staff.\n"
        return HttpResponse(refusal, status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"})
    measures.loop_tasks.set(len(asyncio.all_tasks()))
    text = await sync_to_async(metrics.exposition)(await figures.answer_async())
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


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
