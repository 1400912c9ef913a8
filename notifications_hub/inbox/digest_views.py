"""The form of digests. It works without JavaScript."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from notifications_hub.inbox import digest_form
from notifications_hub.inbox.address_views import preferences_form
from notifications_hub.inbox.digest_form import DigestsRefused
from notifications_hub.inbox.preference_views import preferences_context
from notifications_hub.inbox.visitor import person_of


@preferences_form
def digests(request: HttpRequest) -> HttpResponse:
    """Store how often emails of each kind come, and when."""
    try:
        digest_form.save(person_of(request), request.POST)
    except DigestsRefused as refused:
        context = {**preferences_context(request), "digests": refused.section}
        return TemplateResponse(request, "notifications_hub/preferences.html", context, status=400)
    messages.success(request, _("Your digests are saved."))
    return redirect(f"{reverse('notifications_hub:preferences')}#digests")
