"""The page behind the unfollow links in emails and pushes. It needs no sign-in, and a GET changes nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications_hub.database.primary import from_primary
from notifications_hub.following.changes import Change, FollowRefused, make
from notifications_hub.following.followed import BadReference, Followed
from notifications_hub.following.follows import standing_of, unfollow_key
from notifications_hub.following.listing import thing_named
from notifications_hub.following.unfollow_links import UnfollowLink
from notifications_hub.message import localized_for

_TEMPLATE = "notifications_hub/unfollow.html"


# The link itself is the secret, so no other site can post to it.
@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(no_store=True, private=True)
def unfollow(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button, since programs that scan mails open their links. A POST unfollows, or follows again."""
    try:
        link = UnfollowLink.read(token)
    except BadReference:
        return _page(request, {"state": "invalid"}, status=404)
    person = from_primary(get_user_model()._base_manager.filter(pk=link.person_pk)).first()
    if person is None:
        return _page(request, {"state": "invalid"}, status=404)
    with localized_for(person):
        state = _changed(request, person, link.followed)
        return _page(request, {"state": state, "thing": thing_named(person, link.followed)})


def _changed(request: HttpRequest, person: Any, followed: Followed) -> str:
    before = standing_of(person, followed)
    if request.method != "POST":
        return "on" if before.following else "off"
    if "undo" not in request.POST:
        unfollow_key(person, followed)
        return "just-off" if before.following else "off"
    try:
        make(person, followed, Change.FOLLOW)
    except FollowRefused:
        return "off"
    return "again"


def _page(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    # Rendered here, in the person's language.
    response = HttpResponse(render_to_string(_TEMPLATE, context, request), status=status)
    # The link must not reach other sites.
    response["Referrer-Policy"] = "no-referrer"
    return response
