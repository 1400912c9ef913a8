"""The preference page, and the forms of a person's browsers on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from notifications_hub.inbox import preference_form, push_trial
from notifications_hub.inbox.digest_form import digest_section
from notifications_hub.inbox.preference_changes import Refused
from notifications_hub.inbox.preference_columns import addresses_of
from notifications_hub.inbox.preference_table import preference_table
from notifications_hub.inbox.push_attributes import PushAttributes
from notifications_hub.inbox.quiet_form import quiet_section
from notifications_hub.inbox.views import private_page
from notifications_hub.inbox.visitor import person_of
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.preference_links import KIND, place_of
from notifications_hub.transports.web_push import subscriptions


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@private_page
def preferences_page(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _save_preferences(request)
    if place := place_of(request.GET.get(KIND, "")):
        return redirect(f"{request.path}#{place}")
    return TemplateResponse(request, "notifications_hub/preferences.html", preferences_context(request))


def _save_preferences(request: HttpRequest) -> HttpResponse:
    try:
        preference_form.save_form(person_of(request), request.POST)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Your preferences are saved."))
    return redirect("notifications_hub:preferences")


def preferences_context(request: HttpRequest) -> dict[str, Any]:
    addresses = addresses_of(person_of(request))
    table = preference_table(addresses)
    return {
        "table": table,
        "push_available": addresses.has_push_key,
        "push_column": next((one for one in table.columns if one.name == DeliveryMethod.WEB_PUSH), None),
        "devices": addresses.browsers,
        "own": addresses.own,
        "email": addresses.email,
        "push": PushAttributes.of(request),
        "quiet": quiet_section(addresses.person),
        "digests": digest_section(addresses.person),
    }


@require_POST
@login_required
@private_page
def test_device(request: HttpRequest) -> HttpResponse:
    """Send a test push to one of the person's browsers, and show its progress."""
    browser = get_object_or_404(subscriptions.find_own(person_of(request), request.POST.get("id", "")))
    try:
        row = push_trial.send(person_of(request), "web_push", str(browser.pk))
    except push_trial.TooManyTests:
        messages.error(request, _("You've just sent a few tests. Please wait a minute."))
        return redirect("notifications_hub:preferences")
    return redirect("notifications_hub:why", row.item_id)


@require_POST
@login_required
@private_page
def forget_device(request: HttpRequest) -> HttpResponse:
    """Remove one of the person's browsers. Another person's browser is treated as already gone."""
    if subscriptions.forget(person_of(request), request.POST.get("id", "")):
        messages.success(request, _("We won't send push notifications to that browser any more."))
    return redirect("notifications_hub:preferences")
