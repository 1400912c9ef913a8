"""The group key of a new notification. A group is of one kind and one scope, so the key begins with these."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from notifications_hub.kinds import Kind, Urgency
from notifications_hub.notification import Notification
from notifications_hub.rendering import urgency_of

MAX_KEY = 200
_STORM = "~storm"

log = logging.getLogger(__name__)


def group_key_of_new(kind: Kind, given: str | None, columns: Mapping[str, Any]) -> str | None:
    """Return the stored key for the columns of a new notification, or None if it stands alone.

    What must be confirmed stands alone, so that nobody overlooks it.
    """
    if columns["must_acknowledge"]:
        return None
    own = given or _from_kind(kind, columns)
    return full_key(kind, own, columns["scope"]) if own else None


def _from_kind(kind: Kind, columns: Mapping[str, Any]) -> str:
    if type(kind).group_key is Kind.group_key:
        return ""
    row = Notification(**columns)
    row.data = row.data or {}
    try:
        return str(kind.group_key(row) or "")  # type: ignore[arg-type]
    except Exception:
        # Without a key it is shown by itself, and nobody misses it.
        log.exception("group_key() of the kind %r failed, so its notification stands alone", kind.name)
        return ""


def full_key(kind: Kind, own: str, scope: str | None) -> str:
    """Return the stored key: kind, scope if any, and the host's own key. A long one is hashed."""
    within = quote(kind.name, safe="") + (f"@{quote(scope, safe='')}" if scope else "")
    key = f"{within}:{own}"
    return key if len(key) <= MAX_KEY else f"sha256:{sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def storm_key(kind: Kind, scope: str | None) -> str:
    return full_key(kind, _STORM, scope)


def is_damped(kind: Kind, columns: Mapping[str, Any]) -> bool:
    """Return whether a storm of these is gathered. What is critical or must be confirmed never is."""
    is_loud = columns["must_acknowledge"] or urgency_of(kind) is Urgency.CRITICAL
    return kind.storm is not None and not is_loud
