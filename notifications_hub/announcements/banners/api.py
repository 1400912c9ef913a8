"""The routes of the API for banners. Visitors who are not signed in have them too, as the pages do."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, Field, JsonValue

from notifications_hub.announcements.banners.views import current_for, dismiss_for, is_own_page
from notifications_hub.inbox.responses import SignedInSession
from notifications_hub.inbox.schemas import Problem


class AnyVisitor(SignedInSession):
    """Django's session, or a visitor who is not signed in. A person's changes need the CSRF token."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.user.is_authenticated:
            return super().__call__(request)
        if request.method != "GET" and not is_own_page(request):
            raise HttpError(403, _("Another site may not dismiss a banner."))
        return AnonymousUser()


router = Router(tags=["banners"], auth=AnyVisitor())

_A_BANNER: dict[str, JsonValue] = {"id": "a5", "title": "Maintenance at noon", "level": "warning"}


class BannersShown(Schema):
    banners: list[dict[str, JsonValue]] = Field(
        description="As their events carry them: an item with `banner`, and less of it for visitors.",
        examples=[[_A_BANNER]],
    )
    dismissed: list[str] = Field(description="The ids of current ones that this person dismissed.", examples=[["a4"]])


class BannerDismissed(Schema):
    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=30, description="From the list.", examples=["a5"])


class Dismissed(Schema):
    dismissed: bool = Field(description="False if nothing changed.", examples=[True])


@router.get("", response={200: BannersShown, 429: Problem}, url_name="banners", summary="List current banners")
def list_banners(request: HttpRequest) -> dict[str, Any]:
    """Return the announcements that stand on top of pages now, and those that the person has dismissed."""
    return current_for(request)


@router.post(
    "dismiss/",
    response={200: Dismissed, (400, 403, 429): Problem},
    url_name="dismiss_banner",
    summary="Dismiss a banner",
)
def dismiss_banner(request: HttpRequest, response: HttpResponse, given: BannerDismissed) -> dict[str, bool]:
    """Dismiss a banner on all of the person's pages. A visitor's browser remembers it by a cookie.

    One that is over, that is for others or that cannot be dismissed is left alone.
    """
    return {"dismissed": dismiss_for(request, response, given.id)}
