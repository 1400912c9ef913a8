"""Why a connection is ended: the code a client hears, and by it whether it comes back."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CLIENT_FRAME = 8 * 1024
"""Bytes of a WebSocket message from a client."""


@dataclass(frozen=True, slots=True)
class Closing:
    """`status` is what the same refusal is over HTTP."""

    code: int
    reason: str
    status: int


TOO_LARGE = Closing(1009, "too large", 413)
RESTART = Closing(1012, "restart", 503)
BAD_FRAME = Closing(4400, "bad frame", 400)
SESSION_OVER = Closing(4401, "session over", 401)
TOO_SLOW = Closing(4408, "too slow", 408)
TOO_MANY = Closing(4429, "too many connections", 429)


def refused(topic: str) -> Closing:
    # A close reason holds at most 123 bytes (RFC 6455, section 5.5).
    reason = f"topic refused: {topic}".encode()[:120].decode(errors="ignore")
    return Closing(4403, reason, 403)
