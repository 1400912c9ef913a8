"""The follow button of a thing, as the template tag and the hub's pages render it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.db import models
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from notifications_hub.following.followed import Followed, declaration_of
from notifications_hub.following.follows import Standing, standing_of
from notifications_hub.inbox import links
from notifications_hub.web.nonce import nonce_of


@dataclass(frozen=True, slots=True)
class FollowButton:
    """The values that the template of a follow button needs."""

    object: str
    standing: Standing
    api: str
    change_url: str
    here: str
    csrf: str

    @classmethod
    def of(cls, request: HttpRequest, followed: Followed, standing: Standing) -> Self:
        return cls(
            object=followed.reference,
            standing=standing,
            api=links.api(),
            change_url=reverse("notifications_hub:change-following"),
            here=request.get_full_path(),
            csrf=get_token(request),
        )

    @property
    def muted_words(self) -> str:
        return muted_words(self.standing)


def muted_words(standing: Standing) -> str:
    """Return until when a thing is muted, or an empty text."""
    if not standing.muted:
        return ""
    if standing.ends is None:
        return _("Muted")
    until = formats.date_format(timezone.localtime(standing.ends), "SHORT_DATETIME_FORMAT")
    return _("Muted until %(time)s") % {"time": until}


def button_html(request: HttpRequest, obj: models.Model) -> str:
    """Return the button with its style and script. Return nothing for a visitor, or for who may not follow it.

    Who follows it already may always unfollow it.
    """
    person = request.user
    if not person.is_authenticated:
        return ""
    followed = Followed.of(obj)
    standing, declared = standing_of(person, followed), declaration_of(type(obj))
    if not standing.following and (declared is None or not declared.allows(person, obj)):
        return ""
    try:
        button = FollowButton.of(request, followed, standing)
    except NoReverseMatch:
        return ""
    context = {"button": button, "nonce": nonce_of(request), "loads": True}
    return render_to_string("notifications_hub/follow_button.html", context)
