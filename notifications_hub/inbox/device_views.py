"""The forms of a person's browsers: test and forget. They work without JavaScript."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST

from notifications_hub.inbox import push_trial
from notifications_hub.inbox.address_views import preferences_form, too_many
from notifications_hub.inbox.visitor import person_of
from notifications_hub.transports.web_push import subscriptions
from notifications_hub.web.throttle import TooMany


@preferences_form
def test(request: HttpRequest) -> HttpResponse:
    """Send a test push to one of the person's browsers, and show its progress."""
    try:
        row = push_trial.test_browser(person_of(request), request.POST.get("id", ""))
    except TooMany as refused:
        return too_many(request, refused)
    return redirect("notifications_hub:why", row.item_id)


@require_POST
@login_required
@cache_control(no_store=True, private=True)
def forget(request: HttpRequest) -> HttpResponse:
    """Remove one of the person's browsers. Another person's browser is treated as already gone."""
    if subscriptions.forget(person_of(request), request.POST.get("id", "")):
        messages.success(request, _("We won't send push notifications to that browser any more."))
    return redirect("notifications_hub:preferences")
