"""Who is asking."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from notifications_hub.users import Person


def person_of(request: HttpRequest) -> Person:
    """For what only signed-in people reach: whatever calls this stands behind a check of that."""
    return cast("Person", request.user)
