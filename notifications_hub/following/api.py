"""The routes of the API for what a person follows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from ninja.errors import HttpError

from notifications_hub.following.changes import Change, FollowRefused, make
from notifications_hub.following.followed import BadReference, Followed
from notifications_hub.following.follows import standing_of
from notifications_hub.following.listing import BadPage, FollowedThing, page_of
from notifications_hub.following.schemas import FollowedObject, FollowingShown, Mute, StandingShown
from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of

router = Router(tags=["following"])

_PROBLEMS = {(400, 401, 403, 429): Problem}


@router.get(
    "",
    response={200: FollowingShown, (400, 401, 429): Problem},
    url_name="following",
    summary="List what I follow",
)
def list_following(request: HttpRequest, before: Query[str] = "") -> dict[str, Any]:
    """Return what the person follows, muted or not."""
    try:
        page = page_of(person_of(request), before)
    except BadPage as error:
        raise HttpError(400, str(error)) from None
    return {"results": [_shown(one) for one in page.things], "next": page.next}


@router.get("one/", response={200: StandingShown, **_PROBLEMS}, url_name="following_one", summary="Get one")
def get_following(request: HttpRequest, object: Query[str]) -> dict[str, Any]:  # noqa: A002 -- the name in the query
    """Return whether the person follows a thing, and until when it is muted."""
    followed = _followed(object)
    return standing_of(person_of(request), followed).as_json(followed)


@router.post("follow/", response={200: StandingShown, **_PROBLEMS}, url_name="follow", summary="Follow")
def follow(request: HttpRequest, given: FollowedObject) -> dict[str, Any]:
    """Follow a thing, and end a mute of it. 403 if the site does not let this person follow it."""
    return _made(request, given, Change.FOLLOW)


@router.post("unfollow/", response={200: StandingShown, **_PROBLEMS}, url_name="unfollow", summary="Unfollow")
def unfollow(request: HttpRequest, given: FollowedObject) -> dict[str, Any]:
    """Follow a thing no more, not even automatically."""
    return _made(request, given, Change.UNFOLLOW)


@router.post("mute/", response={200: StandingShown, **_PROBLEMS}, url_name="mute", summary="Mute")
def mute(request: HttpRequest, given: Mute) -> dict[str, Any]:
    """Mute a thing that the person follows, until a time or until they unmute it."""
    return _made(request, given, Change.MUTE, given.until)


@router.post("unmute/", response={200: StandingShown, **_PROBLEMS}, url_name="unmute", summary="Unmute")
def unmute(request: HttpRequest, given: FollowedObject) -> dict[str, Any]:
    """End a mute at once. The person goes on following."""
    return _made(request, given, Change.UNMUTE)


def _made(request: HttpRequest, given: FollowedObject, change: Change, until: datetime | None = None) -> dict[str, Any]:
    followed = _followed(given.object)
    try:
        return make(person_of(request), followed, change, until).as_json(followed)
    except FollowRefused as refused:
        raise HttpError(403, str(refused)) from None
    except ValueError as error:
        raise HttpError(400, str(error)) from None


def _followed(reference: str) -> Followed:
    try:
        return Followed.from_reference(reference)
    except BadReference as error:
        raise HttpError(400, str(error)) from None


def _shown(one: FollowedThing) -> dict[str, Any]:
    return {
        **one.standing.as_json(one.followed),
        "type": one.thing.kind,
        "name": one.thing.name,
        "url": one.thing.url,
        "reason": {"code": one.standing.reason, "label": one.reason},
        "since": one.since,
    }
