"""The type of a person, of whatever model the host's `AUTH_USER_MODEL` names, and how browsers tell people apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as Person
else:
    from django.contrib.auth.base_user import AbstractBaseUser as Person

__all__ = ["Person", "opaque_name"]


def opaque_name(person_pk: Any) -> str:
    """Differs from person to person, and tells nobody who they are."""
    return salted_hmac("notifications_hub.person", str(person_pk), algorithm="sha256").hexdigest()[:16]
