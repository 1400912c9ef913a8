"""Signatures by Standard Webhooks (https://www.standardwebhooks.com), made by that project's own library."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from standardwebhooks import Webhook as Signer


def signed_headers(message_id: str, body: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the three headers of a request: its id, its time and a signature for each key.

    The id stays the same when a message is sent again, so that a receiver can drop the second. Raise `ValueError` for
    a key that is no secret.
    """
    now = datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(key).sign(message_id, now, body) for key in keys),
    }
