"""Django views of the live protocol: the acknowledgement, and the poll that does not wait.

Under ASGI `with_connections` answers connections before Django sees them. These views also work under WSGI.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from notifications_hub.conf import hub_settings
from notifications_hub.delivery import acknowledgement
from notifications_hub.live.admission import (
    AdmissionRequest,
    Admitted,
    ConnectionRequest,
    Known,
    Refusal,
    admit,
    decoded,
    start_positions,
)
from notifications_hub.live.asgi_exchange import PRIVATE
from notifications_hub.live.close_codes import BAD_FRAME, SESSION_OVER, TOO_MANY
from notifications_hub.live.connection_token import token_of
from notifications_hub.live.frames import read_frame
from notifications_hub.live.handshake_limit import wait_of_strangers
from notifications_hub.live.origin import Caller
from notifications_hub.live.presence import record_poll
from notifications_hub.live.topic_presence import record_visit
from notifications_hub.live.topics import INBOX
from notifications_hub.live.visitor import ANONYMOUS, Credential, hashed
from notifications_hub.web.client_ip import counted_as
from notifications_hub.web.throttle import check_rate

MAX_BODY = 8 * 1024

View = Callable[[HttpRequest, Caller], HttpResponse]


def _from_allowed_pages(view: View) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuse pages of other origins. This replaces the CSRF token, which a page of a listed origin does not have."""

    @login_not_required
    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponseBase:
        caller = Caller(request)
        cors = caller.cors()
        if cors is None:
            return JsonResponse({"detail": _("This page's origin may not connect.")}, status=403, headers=PRIVATE)
        try:
            response = view(request, caller)
        except Refusal as refusal:
            closing = refusal.closing
            response = JsonResponse({"detail": closing.words}, status=closing.status, headers=closing.headers)
        for name, value in (PRIVATE | cors).items():
            response[name] = value
        return response

    return checked


@_from_allowed_pages
def _poll(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = ConnectionRequest.parse(request.META.get("QUERY_STRING", ""))
    admitted = _admit(request, wanted.admission_request(_counted(_credential(request))))
    if wanted.visible and admitted.visitor.credential:
        record_poll(admitted.visitor.person.pk, 0)
        record_visit(admitted.visitor.person.pk, admitted.topics)
    frame = read_frame(*start_positions(admitted.topics, wanted.known))
    return HttpResponse(frame.text, content_type="application/json")


@_from_allowed_pages
def _ack(request: HttpRequest, caller: Caller) -> HttpResponse:
    if request.method == "OPTIONS":
        allowed = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Content-Type"}
        return HttpResponse(status=204, headers=allowed)
    credential = _counted(_credential(request))
    known, visible = _acknowledged(request)
    admitted = admit(AdmissionRequest(credential, (INBOX,), request.GET.get("person", "")))
    positions, _reset = start_positions(admitted.topics, known)
    shown = {topic: position for topic, position in positions.items() if position is not None}
    if visible:
        acknowledgement.acknowledge(admitted.visitor.person.pk, shown)
    return HttpResponse(status=204)


poll = require_GET(_poll)
ack = require_http_methods(["POST", "OPTIONS"])(_ack)


@login_not_required
def needs_asgi(request: HttpRequest) -> HttpResponse:
    """Return 426: the URL of a WebSocket got a plain request, or the server is WSGI."""
    response = JsonResponse({"detail": _("Connect here by WebSocket.")}, status=426, headers=PRIVATE)
    if isinstance(request, ASGIRequest):
        # RFC 9110, section 15.5.22, requires it; WSGI forbids an application to set it.
        response["Upgrade"] = "websocket"
    return response


@login_not_required
def no_stream(request: HttpRequest) -> HttpResponse:
    detail = _("This server does not support streaming. Please use polling instead.")
    return JsonResponse({"detail": detail}, status=501, headers=PRIVATE)


def _credential(request: HttpRequest) -> Credential:
    if token := token_of(request.headers.get("Authorization", ""), request.GET.get("token", "")):
        return Credential(token=token)
    return Credential(request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""))


def _counted(credential: Credential) -> Credential:
    """Count a request with this credential. Raise `Refusal` beyond the rate. All processes count together."""
    name = credential.token or credential.session_key
    if name and (seconds := check_rate(f"live:{hashed(name)}", hub_settings.live_rate)):
        raise Refusal(replace(TOO_MANY, retry_after=seconds))
    return credential


def _admit(request: HttpRequest, asked: AdmissionRequest) -> Admitted:
    """Admit a visitor as a hub does, or raise `Refusal`."""
    try:
        if asked.credential:
            return admit(asked)
    except Refusal as refusal:
        if refusal.closing != SESSION_OVER or not asked.may_be_anonymous:
            raise
    if asked.may_be_anonymous and (seconds := wait_of_strangers(counted_as(request.META.get("REMOTE_ADDR", "")))):
        raise Refusal(replace(TOO_MANY, retry_after=seconds))
    return admit(replace(asked, credential=ANONYMOUS))


def _acknowledged(request: HttpRequest) -> tuple[Known, bool]:
    """Return the acknowledged positions, and whether the page was visible. Raise `Refusal`."""
    if len(request.body) > MAX_BODY:
        raise Refusal(BAD_FRAME)
    try:
        body: Any = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refusal(BAD_FRAME) from None
    given, visible = (body.get("cursor"), body.get("visible", True)) if isinstance(body, dict) else (None, None)
    if not isinstance(given, str) or not isinstance(visible, bool):
        raise Refusal(BAD_FRAME)
    return decoded(given), visible
