"""The preference page, which is a form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from notifications_hub.inbox import preference_form
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
