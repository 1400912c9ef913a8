"""People: the type, an instance of the host's `AUTH_USER_MODEL`, and two short identifiers for a person."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as Person
else:
    from django.contrib.auth.base_user import AbstractBaseUser as Person

__all__ = ["Person", "is_pseudonym_of", "person_key", "pseudonym_of"]

_READABLE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def person_key(person_pk: Any) -> str:
    """Return a person's primary key as at most 64 characters that are valid in a topic and a cache key.

    Plain keys, such as numbers and UUIDs, stay readable; any other is hashed. No two people share a key, because only
    a hashed one has a dot.
    """
    text = str(person_pk)
    if _READABLE.fullmatch(text):
        return text
    return f"sha256.{urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip('=')}"


def pseudonym_of(person_pk: Any) -> str:
    """Return an identifier by which a page knows its person. It is unique, but does not reveal who they are."""
    return _pseudonym(person_pk, settings.SECRET_KEY)


def is_pseudonym_of(given: str, person_pk: Any) -> bool:
    """Return whether a pseudonym is the person's. Those made with an earlier secret key are accepted."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(given, _pseudonym(person_pk, key)) for key in keys)


def _pseudonym(person_pk: Any, key: str | bytes) -> str:
    return salted_hmac("notifications_hub.person", str(person_pk), secret=key, algorithm="sha256").hexdigest()[:16]
