"""The forms of a person's own addresses: add, test, renew the secret, remove. They work without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from notifications_hub.inbox import address_changes
from notifications_hub.inbox.address_changes import CannotRenew
from notifications_hub.inbox.address_form import Section
from notifications_hub.inbox.preference_views import preferences_context
from notifications_hub.inbox.visitor import person_of
from notifications_hub.transports.own_addresses.transport import AddressRefused
from notifications_hub.web.throttle import TooMany

_View = Callable[[HttpRequest], HttpResponse]


def preferences_form(view: _View) -> _View:
    """Accept posts of signed-in people. A reload of the page that a post returned leads to the preferences."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        return view(request) if request.method == "POST" else redirect("notifications_hub:preferences")

    private = cache_control(no_store=True, private=True)
    checked_view: _View = require_http_methods(["GET", "HEAD", "POST"])(login_required(private(checked)))
    return checked_view


def too_many(request: HttpRequest, refused: TooMany) -> HttpResponse:
    """Return the preferences with 429, and with the words of the refusal on top."""
    messages.error(request, str(refused))
    context = preferences_context(request)
    headers = {"Retry-After": str(refused.seconds)}
    return TemplateResponse(request, "notifications_hub/preferences.html", context, status=429, headers=headers)


@sensitive_post_parameters("address")
@preferences_form
@sensitive_variables()
def add(request: HttpRequest) -> HttpResponse:
    """Add an address. The response shows its secret, which no other page does."""
    given = {name: request.POST.get(name, "") for name in ("transport", "address", "name")}
    try:
        added = address_changes.add(person_of(request), **given)
    except TooMany as refused:
        return too_many(request, refused)
    except AddressRefused as error:
        words = str(error)
        return _page(request, lambda own: own.with_error(**given, error=words), status=400)
    if not added.secret:
        messages.success(request, _("We'll send your notifications to %(address)s too.") % {"address": added.row})
        return redirect("notifications_hub:preferences")
    return _page(request, lambda own: own.with_secret(added))


@preferences_form
@sensitive_variables()
def renew(request: HttpRequest) -> HttpResponse:
    """Give an address a new secret, and show it this once."""
    try:
        renewed = address_changes.renew(person_of(request), request.POST.get("id", ""))
    except TooMany as refused:
        return too_many(request, refused)
    except CannotRenew as error:
        messages.error(request, str(error))
        return redirect("notifications_hub:preferences")
    return _page(request, lambda own: own.with_secret(renewed))


@preferences_form
def remove(request: HttpRequest) -> HttpResponse:
    """Remove an address. Another person's is treated as already gone."""
    if address_changes.remove(person_of(request), request.POST.get("id", "")):
        messages.success(request, _("We won't send notifications to that address any more."))
    return redirect("notifications_hub:preferences")


@preferences_form
def test(request: HttpRequest) -> HttpResponse:
    """Send a test to one of the person's addresses, and show its progress."""
    try:
        sent = address_changes.test(person_of(request), request.POST.get("id", ""))
    except TooMany as refused:
        return too_many(request, refused)
    return redirect("notifications_hub:why", sent.item_id)


def _page(request: HttpRequest, change: Callable[[Section], Section], *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = preferences_context(request)
    if context["own"] is None:
        raise Http404
    context["own"] = change(context["own"])
    return TemplateResponse(request, "notifications_hub/preferences.html", context, status=status)
