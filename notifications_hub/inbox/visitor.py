"""The person who makes a request."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from notifications_hub.users import Person


def person_of(request: HttpRequest) -> Person:
    """Return the signed-in person. Call it only after a check that the person is signed in."""
    return cast("Person", request.user)
