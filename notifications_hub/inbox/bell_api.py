"""The route of the API for pages that no template of the site rendered, such as those of React or Vue."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language, get_supported_language_variant, override
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field, JsonValue

from notifications_hub.inbox.bell import bell_html, bell_of
from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of
from notifications_hub.inbox_scope import scope_of
from notifications_hub.inbox_summary import summary_of

router = Router(tags=["inbox"])


_EXAMPLE: dict[str, JsonValue] = {
    "live": "/live/",
    "person": "3f9a1c",
    "csrf": "kS0Zr1q7",
    "scope": None,
    "quiet": None,
    "unread": 3,
    "unseen": 1,
    "inbox_url": "/notifications/",
    "preferences_url": "/notifications/preferences/",
    "sign_in_url": "/accounts/login/",
}


class BellAsked(Schema):
    html: bool = Field(False, description="Whether to return the markup of `<notification-bell>` too.")
    lang: str = Field("", max_length=20, description="Its language; if the site lacks it, that of the request.")


class BellShown(Schema):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    live: str = Field(description="The prefix of the live addresses.", examples=["/live/"])
    person: str = Field(description="The person's pseudonym: the tabs of one person share a connection.")
    csrf: str = Field(description="Django's CSRF token, for the header `X-CSRFToken`.")
    scope: str | None = Field(description="The part of the inbox that is listed and counted; null: all of it.")
    quiet: JsonValue = Field(description="The quiet hours of the next two weeks, as `quiet_hours.updated` has them.")
    unread: int = Field(description="How many are unread; stops at 100.")
    unseen: int
    inbox_url: str
    preferences_url: str
    sign_in_url: str = Field(description="Empty on a site without one.")
    html: str | None = Field(None, description="The elements and their templates, in the language asked for.")


@router.get(
    "",
    response={200: BellShown, (400, 401, 429): Problem},
    exclude_unset=True,
    url_name="bell",
    summary="Get what a page needs to show the bell",
)
def get_bell(request: HttpRequest, asked: Query[BellAsked]) -> dict[str, Any]:
    """Return what the template tag writes into a page, for a page that a script renders."""
    bell = bell_of(request, summary_of(person_of(request), scope_of(request)))
    if not asked.html:
        return asdict(bell)
    with override(_known(asked.lang)):
        return {**asdict(bell), "html": bell_html(request, bell)}


def _known(language: str) -> str | None:
    """Return the site's variant of a language, or else the language of the request."""
    try:
        return get_supported_language_variant(language.lower())
    except LookupError:
        return get_language()
