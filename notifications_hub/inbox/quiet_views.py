"""The forms of quiet hours and of the pause. They work without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from notifications_hub.inbox import quiet_form
from notifications_hub.inbox.address_views import preferences_form
from notifications_hub.inbox.preference_views import preferences_context
from notifications_hub.inbox.quiet_form import Refused
from notifications_hub.inbox.visitor import person_of


@preferences_form
def hours(request: HttpRequest) -> HttpResponse:
    """Store the quiet hours of each weekday."""

    def save() -> str:
        if quiet_form.save_hours(person_of(request), request.POST):
            return _("Your quiet hours are saved.")
        return _("Saved. You have no quiet hours, because no day is chosen.")

    return _saved(request, save)


@preferences_form
def pause(request: HttpRequest) -> HttpResponse:
    """Pause everything until a time, or end the pause."""

    def save() -> str:
        until = quiet_form.save_pause(person_of(request), request.POST)
        if until is None:
            return _("Your notifications are on again.")
        zone = quiet_form.quiet_section(person_of(request)).zone
        with timezone.override(zone):
            words = formats.date_format(timezone.localtime(until), "DATETIME_FORMAT")
        return _("Paused until %(time)s (%(zone)s)") % {"time": words, "zone": zone}

    return _saved(request, save)


def _saved(request: HttpRequest, save: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, save())
    except Refused as refused:
        context = {**preferences_context(request), "quiet": refused.section}
        return TemplateResponse(request, "notifications_hub/preferences.html", context, status=400)
    return redirect(f"{reverse('notifications_hub:preferences')}#quiet-hours")
