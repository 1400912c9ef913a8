"""Encryption of stored addresses, so that a copy of the database lets nobody send to them.

The key is derived from `SECRET_KEY`. `SECRET_KEY_FALLBACKS` still open what older keys sealed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "notifications_hub.own_address"


def seal(value: Any) -> str:
    """Return the JSON value as encrypted text."""
    return _box().encrypt(json.dumps(value).encode()).decode("ascii")


def unseal(text: str) -> Any:
    """Return what was sealed. Raise `ValueError` if no key of this site opens it."""
    try:
        return json.loads(_box().decrypt(text.encode()))
    except InvalidToken as error:
        raise ValueError("No key of this site opens the text.") from error


def fingerprint(text: str) -> str:
    """Return a text that is the same for the same address, and from which nobody can guess it."""
    return salted_hmac(f"{_SALT}.fingerprint", text, algorithm="sha256").hexdigest()


def _box() -> MultiFernet:
    return _box_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _box_of(secrets: Sequence[str]) -> MultiFernet:
    keys = (salted_hmac(_SALT, "", secret=secret, algorithm="sha256").digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
