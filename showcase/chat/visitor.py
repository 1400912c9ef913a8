"""Who is asking, and what."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.views.decorators.cache import cache_control

from accounts.models import User
from showcase.chat import rooms
from showcase.chat.models import Membership

_DIGITS_TOO_MANY = 19
"""A number of so many digits may be more than a database counts to."""

# Nobody may find the talk of whoever sat here before by the browser's back button.
private = cache_control(no_store=True, private=True)


def person_of(request: HttpRequest) -> User:
    """Behind a check that somebody is signed in."""
    return cast("User", request.user)


def membership_of(request: HttpRequest, slug: str) -> Membership:
    """Raises `PermissionDenied`."""
    return rooms.membership_of(person_of(request), slug)


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def number(text: str) -> int:
    """An id out of a request. Raises `BadRequest`."""
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS_TOO_MANY):
        raise BadRequest("This is not an id.")
    return int(text)
