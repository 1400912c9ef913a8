"""A person, of whatever model the host's `AUTH_USER_MODEL` names: the type, and a name that says nothing of them."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

if TYPE_CHECKING:
    from django.contrib.auth.models import _User as Person
else:
    from django.contrib.auth.base_user import AbstractBaseUser as Person

__all__ = ["Person", "cache_key_of", "is_pseudonym_of", "pseudonym_of"]

_KEY = re.compile(r"[\w.@+-]{1,64}", re.ASCII)


def pseudonym_of(person_pk: Any) -> str:
    """By which a page knows whose it is. It differs from person to person, and tells nobody who they are."""
    return _pseudonym(person_pk, settings.SECRET_KEY)


def is_pseudonym_of(given: str, person_pk: Any) -> bool:
    """Also that of a page which is older than the site's newest key."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(given, _pseudonym(person_pk, key)) for key in keys)


def cache_key_of(person_pk: Any) -> str:
    """Return the part of a cache's key that stands for a person. Caches refuse long keys, and memcached blanks."""
    text = str(person_pk)
    return text if _KEY.fullmatch(text) else f"={blake2b(text.encode(), digest_size=16).hexdigest()}"


def _pseudonym(person_pk: Any, key: str | bytes) -> str:
    return salted_hmac("notifications_hub.person", str(person_pk), secret=key, algorithm="sha256").hexdigest()[:16]
