"""Why a connection is ended: the code a client hears, and by it whether it comes back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Closing:
    code: int
    reason: str


TOO_LARGE = Closing(1009, "too large")
RESTART = Closing(1012, "restart")
BAD_FRAME = Closing(4400, "bad frame")
SESSION_OVER = Closing(4401, "session over")
TOO_SLOW = Closing(4408, "too slow")
TOO_MANY = Closing(4429, "too many connections")


def refused(topic: str) -> Closing:
    # A close reason holds at most 123 bytes (RFC 6455, section 5.5).
    return Closing(4403, f"topic refused: {topic}"[:120])
