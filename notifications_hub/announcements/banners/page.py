"""Render `{% announcement_banners %}`: the banners of this page as they are now, which works without scripts too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse

from notifications_hub.announcements.banners import current
from notifications_hub.announcements.banners.dismissal import COOKIE, remembered
from notifications_hub.announcements.banners.rules import public_url
from notifications_hub.announcements.models import Announcement
from notifications_hub.audiences import PUBLIC_BANNERS
from notifications_hub.inbox import links
from notifications_hub.message import Message
from notifications_hub.web.nonce import nonce_of

VISITORS = ("live", "poll")


@dataclass(frozen=True, slots=True)
class ShownBanner:
    """A banner in the reader's language."""

    message: Message
    is_dismissable: bool

    @classmethod
    def of(cls, announcement: Announcement, *, is_person: bool) -> ShownBanner:
        message = announcement.message()
        if not is_person:
            message = replace(message, url=public_url(announcement))
        return cls(message, announcement.is_banner_dismissable)


def banners_html(request: HttpRequest, *, visitors: str = "live") -> str:
    """Return the banners of a page, and the element that keeps them up to date.

    `visitors` says how pages of visitors who are not signed in hear of changes: `live` or `poll`. Raise `ValueError`.
    """
    if visitors not in VISITORS:
        raise ValueError(f"announcement_banners has no visitors={visitors!r}: write one of {', '.join(VISITORS)}.")
    is_person = request.user.is_authenticated
    values: dict[str, Any] = {
        "banners": [ShownBanner.of(announcement, is_person=is_person) for announcement in _shown(request)],
        "is_person": is_person,
        "src": reverse("notifications_hub:banners"),
        "dismiss_url": reverse("notifications_hub:dismiss-banner"),
        "base": get_script_prefix(),
        "live": "" if is_person or visitors != "live" else links.live(),
        "topic": PUBLIC_BANNERS,
        "cookie": "" if is_person else COOKIE,
        "csrf": get_token(request) if is_person else "",
        "here": request.get_full_path(),
        "nonce": nonce_of(request),
    }
    return render_to_string("notifications_hub/announcement_banners.html", values)


def _shown(request: HttpRequest) -> Sequence[Announcement]:
    here = current.on_path(current.kept(), request.path_info)
    # Most pages end here, and have asked nothing.
    return current.sorted_for(request.user, here, remembered(request)).shown if here else ()
