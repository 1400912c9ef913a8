"""What a plain request hears where only a WebSocket is served, and what a WSGI server answers there."""

from __future__ import annotations

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache


@never_cache
def upgrade_required(request: HttpRequest) -> JsonResponse:
    response = JsonResponse({"detail": _("Connect here by WebSocket.")}, status=426)
    if isinstance(request, ASGIRequest):
        # RFC 9110, section 15.5.22, asks for it; WSGI forbids an application to set it.
        response["Upgrade"] = "websocket"
    return response
