"""The bell of a page, for the template tag and for pages that no template of the site rendered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse

from notifications_hub.inbox import links
from notifications_hub.inbox.push_attributes import PushAttributes
from notifications_hub.inbox.visitor import person_of
from notifications_hub.inbox_scope import scope_of
from notifications_hub.inbox_summary import Summary
from notifications_hub.quiet_hours.schedules import for_pages
from notifications_hub.users import pseudonym_of
from notifications_hub.web.image_policy import forbids_data_images
from notifications_hub.web.nonce import nonce_of


@dataclass(frozen=True, slots=True)
class Bell:
    """The values that a page of a signed-in person needs to hear of their notifications."""

    live: str
    person: str
    csrf: str
    scope: str | None
    quiet: dict[str, Any] | None
    unread: int
    unseen: int
    inbox_url: str
    preferences_url: str
    sign_in_url: str


def bell_of(request: HttpRequest, summary: Summary) -> Bell:
    return Bell(
        live=links.live(),
        person=pseudonym_of(person_of(request).pk),
        csrf=get_token(request),
        scope=scope_of(request),
        quiet=for_pages(summary.schedule) if summary.schedule else None,
        unread=summary.unread,
        unseen=summary.unseen,
        inbox_url=reverse("notifications_hub:inbox"),
        preferences_url=reverse("notifications_hub:preferences"),
        sign_in_url=links.sign_in(),
    )


def bell_html(request: HttpRequest, bell: Bell, topics: Sequence[str] = (), wanted: Sequence[str] = ()) -> str:
    """Render the bell, the toasts and the push keeper, with the tags of their style sheet and script.

    `wanted` are the attributes of what the host turns on: `title-count`, `favicon-count` or `sound`.
    """
    values = {
        "unread": bell.unread,
        "unseen": bell.unseen,
        "api": links.api(),
        "live": bell.live,
        "inbox_url": bell.inbox_url,
        "preferences_url": bell.preferences_url,
        "sign_in_url": bell.sign_in_url,
        "sign_out_url": links.sign_out(),
        "push": PushAttributes.of(request),
        "csrf": bell.csrf,
        "person": bell.person,
        "topics": topics,
        "wanted": wanted,
        "no_data_images": forbids_data_images(),
        "nonce": nonce_of(request),
        "scope": bell.scope,
        "quiet": json.dumps(bell.quiet) if bell.quiet else "",
    }
    # Rendered without the page's context: nothing there shadows these names, and no context processor runs twice.
    return render_to_string("notifications_hub/bell.html", values)
