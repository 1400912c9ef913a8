"""The key of a new notification whose kind has actions that run: all that share it share one result."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from notifications_hub.kinds import Kind
from notifications_hub.notification import Notification

MAX_KEY = 200

log = logging.getLogger(__name__)


def key_of_new(kind: Kind, columns: Mapping[str, Any]) -> str | None:
    """Return the key for the columns of a new notification, or None if no action of its kind runs."""
    if type(kind).actions is Kind.actions:
        return None
    row = Notification(**columns)
    row.data = row.data or {}
    if not _runs_something(kind, row):
        return None
    return "" if kind.personal_actions else _shared_key(kind, row)


def _runs_something(kind: Kind, row: Any) -> bool:
    try:
        return any(action.run is not None for action in kind.actions(row))
    except Exception:  # noqa: BLE001 -- the host's code may read the recipient, which is not known yet; a key does no harm
        return True


def _shared_key(kind: Kind, row: Any) -> str:
    try:
        given = str(kind.action_key(row) or "")
    except Exception:
        log.exception("action_key() of the kind %r failed, so only this call's recipients share a result", kind.name)
        given = ""
    key = f"{kind.name}:{given or uuid.uuid4().hex}"
    return key if len(key) <= MAX_KEY else f"sha256:{sha256(key.encode('utf-8', 'replace')).hexdigest()}"
