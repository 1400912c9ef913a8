"""Make, check and revoke the tokens of services."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from notifications_hub.ingest.models import ServiceToken
from notifications_hub.kinds import get_kind
from notifications_hub.users import Person

if TYPE_CHECKING:
    from django.contrib.auth.models import Group

PREFIX = "hns_"
"""Marks a service token, so that a scanner for leaked secrets can recognize one."""
_SHOWN = 8
_USED_EVERY = timedelta(minutes=1)
"""How exactly the last use is recorded. A row that every request updates would be a bottleneck."""


def make_service_token(
    name: str,
    kinds: Iterable[str],
    *,
    group: Group | None = None,
    expires_at: datetime | None = None,
    by: Person | None = None,
) -> str:
    """Make a service token, and return its text, which is stored nowhere. Raise `UnknownKind`, or `TypeError`."""
    if isinstance(kinds, str):
        raise TypeError(f"make_service_token(): the kinds must be a list of names, like [{kinds!r}].")
    kinds = [get_kind(name).name for name in kinds]
    token = ServiceToken(name=name, kinds=sorted(set(kinds)), group=group, expires_at=expires_at, by=by)
    return save_new(token)


@sensitive_variables()
def save_new(token: ServiceToken) -> str:
    """Give a new row its secret and save it. Return the secret."""
    text = PREFIX + secrets.token_urlsafe(32)
    token.token_hash = _hashed(text)
    token.beginning = text[: len(PREFIX) + _SHOWN]
    token.save()
    return text


@sensitive_variables()
def check_token(text: str) -> ServiceToken | None:
    """Return the row of a valid token, or None if it is unknown, expired or revoked. Record its use."""
    if not text.startswith(PREFIX):
        return None
    now = timezone.now()
    valid = ServiceToken.objects.filter(token_hash=_hashed(text), revoked_at=None)
    found = valid.exclude(expires_at__lte=now).select_related("group").first()
    if found is not None and (found.last_used is None or now - found.last_used > _USED_EVERY):
        ServiceToken.objects.filter(pk=found.pk).update(last_used=now)
    return found


def revoke_tokens(tokens: models.QuerySet[ServiceToken]) -> int:
    """Revoke tokens from the next request on. Return how many were valid before."""
    return tokens.filter(revoked_at=None).update(revoked_at=timezone.now())


@sensitive_variables()
def _hashed(text: str) -> str:
    # A random token of 256 bits cannot be guessed, so it needs no slow hash.
    return sha256(text.encode()).hexdigest()
