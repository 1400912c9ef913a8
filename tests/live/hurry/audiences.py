"""An audience as a host declares it. Tests move people in and out without model signals."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from accounts.models import User


def early_birds() -> QuerySet[User]:
    return get_user_model().objects.filter(first_name="early")
