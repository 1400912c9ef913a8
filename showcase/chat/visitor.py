"""Parse requests: the person, their membership, ids, and the wanted format."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.views.decorators.cache import cache_control

from accounts.models import User
from showcase.chat import rooms
from showcase.chat.models import Membership

_MAX_DIGITS = 18
"""Any number of 18 digits fits into the database's 64-bit integers."""

# The browser's back button must not show the messages of a person who used this browser before.
private = cache_control(no_store=True, private=True)


def person_of(request: HttpRequest) -> User:
    """Return the signed-in person. The view must be behind `login_required`."""
    return cast("User", request.user)


def membership_of(request: HttpRequest, slug: str) -> Membership:
    """Return the person's membership. Raise `PermissionDenied` if there is none."""
    return rooms.membership_of(person_of(request), slug)


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def number(text: str) -> int:
    """Return an id from a request. Raise `BadRequest` if it is invalid."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise BadRequest("Invalid id.")
    return int(text)
