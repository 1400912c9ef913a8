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

from notifications_hub.inbox import push_trial
from notifications_hub.inbox.address_form import Section
from notifications_hub.inbox.preference_views import preferences_context
from notifications_hub.inbox.visitor import person_of
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.own_addresses.store import Added, add_address, find_own_address, renew_secret
from notifications_hub.transports.own_addresses.transport import AddressRefused
from notifications_hub.web import throttle

RATE = "20/h"
"""New addresses and secrets of one person. Each new address may look up a name of theirs."""

_View = Callable[[HttpRequest], HttpResponse]


def preferences_form(view: _View) -> _View:
    """Accept posts of signed-in people. A reload of the page that a post returned leads to the preferences."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        return view(request) if request.method == "POST" else redirect("notifications_hub:preferences")

    private = cache_control(no_store=True, private=True)
    checked_view: _View = require_http_methods(["GET", "HEAD", "POST"])(login_required(private(checked)))
    return checked_view


def _throttled(view: _View) -> _View:
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if wait := throttle.check_rate(f"own-addresses:{person_of(request).pk}", RATE):
            messages.error(request, throttle.wait_in_words(wait))
            return redirect("notifications_hub:preferences")
        return view(request)

    return checked


@sensitive_post_parameters("address")
@preferences_form
@_throttled
@sensitive_variables()
def add(request: HttpRequest) -> HttpResponse:
    """Add an address. The response shows its secret, which no other page does."""
    given = {name: request.POST.get(name, "") for name in ("transport", "address", "name")}
    try:
        added = add_address(person_of(request), given["transport"], given["address"], name=given["name"])
    except AddressRefused as error:
        words = str(error)
        return _page(request, lambda own: own.with_error(**given, error=words), status=400)
    if not added.secret:
        messages.success(request, _("We'll send your notifications to %(address)s too.") % {"address": added.row})
        return redirect("notifications_hub:preferences")
    return _page(request, lambda own: own.with_secret(added))


@preferences_form
@_throttled
@sensitive_variables()
def renew(request: HttpRequest) -> HttpResponse:
    """Give an address a new secret, and show it this once."""
    row = _own(request)
    try:
        secret = renew_secret(row)
    except ValueError:
        messages.error(request, _("The site's key has changed. Remove this address and add it again."))
        return redirect("notifications_hub:preferences")
    return _page(request, lambda own: own.with_secret(Added(row, secret)))


@preferences_form
def remove(request: HttpRequest) -> HttpResponse:
    """Remove an address. Another person's is treated as already gone."""
    deleted, _rows = find_own_address(person_of(request), request.POST.get("id", "")).delete()
    if deleted:
        messages.success(request, _("We won't send notifications to that address any more."))
    return redirect("notifications_hub:preferences")


@preferences_form
def test(request: HttpRequest) -> HttpResponse:
    """Send a test to one of the person's addresses, and show its progress."""
    row = _own(request)
    try:
        sent = push_trial.send(person_of(request), row.transport, str(row.pk))
    except push_trial.TooManyTests:
        messages.error(request, _("You've just sent a few tests. Please wait a minute."))
        return redirect("notifications_hub:preferences")
    return redirect("notifications_hub:why", sent.item_id)


def _own(request: HttpRequest) -> OwnAddress:
    row = find_own_address(person_of(request), request.POST.get("id", "")).first()
    if row is None:
        raise Http404
    return row


def _page(request: HttpRequest, change: Callable[[Section], Section], *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = preferences_context(request)
    if context["own"] is None:
        raise Http404
    context["own"] = change(context["own"])
    return TemplateResponse(request, "notifications_hub/preferences.html", context, status=status)
