"""The bell, on any page in one line: `{% load notifications_hub %}{% notification_bell %}`."""

from __future__ import annotations

from typing import cast

from django import template
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse

from notifications_hub.inbox import addresses, queries
from notifications_hub.people import Person, pseudonym_of

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
        "person": pseudonym_of(cast("Person", person)),
        "topics": topics.split(),
    }
    # Not the page's own context: nothing there can shadow these names, and no context processor runs twice.
    return render_to_string("notifications_hub/bell.html", values)
