"""What a page shows in one line each: `{% load notifications_hub %}{% notification_bell %}`."""

from __future__ import annotations

from typing import cast

from django import template
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.crypto import salted_hmac

from notifications_hub.inbox import addresses, queries
from notifications_hub.jobs.bar import bar
from notifications_hub.jobs.models import Job
from notifications_hub.people import Person

register = template.Library()


@register.simple_tag(takes_context=True)
def notification_bell(context: template.Context, topics: str = "") -> str:
    """With its styles and script; nothing for who is not signed in. `topics`, by spaces, are heard beside the inbox."""
    request: HttpRequest | None = context.get("request")
    person = getattr(request, "user", None)
    if request is None or person is None or not person.is_authenticated:
        return ""
    counts = queries.counts(cast("Person", person))
    values = {
        "unread": counts.unread,
        "unseen": counts.unseen,
        "api": addresses.api(),
        "live": addresses.live(),
        "inbox_url": reverse("notifications_hub:inbox"),
        "preferences_url": reverse("notifications_hub:preferences"),
        "push_key_url": addresses.push_key(),
        "sw_url": addresses.service_worker(),
        "csrf": get_token(request),
        # Tabs share a connection by this name, so it differs from person to person and tells nobody who they are.
        "person": salted_hmac("notifications_hub.person", str(person.pk), algorithm="sha256").hexdigest()[:16],
        "topics": topics.split(),
    }
    # Not the page's own context: nothing there can shadow these names, and no context processor runs twice.
    return render_to_string("notifications_hub/bell.html", values)


@register.simple_tag(takes_context=True)
def task_progress(context: template.Context, job: Job) -> str:
    """The bar of a job, with its styles and script; nothing for those who may not see it."""
    request: HttpRequest | None = context.get("request")
    return "" if request is None else bar(request, job)
