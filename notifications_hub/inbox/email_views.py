"""The signed reports of a mail service, and the button that sends emails to a stopped address again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from notifications_hub.conf import hub_settings
from notifications_hub.inbox import email_form
from notifications_hub.inbox.visitor import person_of
from notifications_hub.transports.email.reports import BadReport, take_report

MOST_BYTES = 64 * 1024
"""Bytes of a report. One names a few addresses."""


@login_not_required
@csrf_exempt
@require_POST
def report(request: HttpRequest) -> HttpResponse:
    """Stop emails to addresses that bounced or complained. The request is signed; without a secret there is no page."""
    if not hub_settings.email_webhook_secret:
        raise Http404
    # A request in chunks has no `Content-Length`, and its body would be read whole.
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return JsonResponse({"detail": "The report is too long."}, status=413)
    try:
        named = take_report(body, request.headers)
    except BadReport as error:
        return JsonResponse({"detail": str(error)}, status=400)
    return JsonResponse({"addresses": named})


@require_POST
@login_required
@cache_control(no_store=True, private=True)
def resume(request: HttpRequest) -> HttpResponse:
    """Try the person's own address again."""
    if email_form.resume(person_of(request)):
        messages.success(request, _("We'll send you emails again."))
    return redirect("notifications_hub:preferences")
