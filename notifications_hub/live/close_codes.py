"""Close codes of the live protocol. A client decides by the code whether to reconnect."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CLIENT_FRAME = 8 * 1024
"""Largest WebSocket message accepted from a client, in bytes."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A WebSocket close code with its reason, and the HTTP `status` of the same refusal.

    `retry_after` is the number of seconds after which a client may try again; 0 if waiting changes nothing.
    """

    code: int
    reason: str
    status: int
    retry_after: int = 0

    @property
    def words(self) -> str:
        """The reason, and when to come back if that is more than a second: a script cannot read a socket's headers."""
        return f"{self.reason}; come back in {self.retry_after} s" if self.retry_after > 1 else self.reason

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}


TOO_LARGE = Closing(1009, "too large", 413)
RESTART = Closing(1012, "restart", 503, retry_after=1)
UNAVAILABLE = Closing(1012, "unavailable", 503, retry_after=5)
"""The database does not answer. An open connection stays; a new one is asked to come back."""
BAD_FRAME = Closing(4400, "bad frame", 400)
SESSION_OVER = Closing(4401, "session over", 401)
TOO_SLOW = Closing(4408, "too slow", 408)
# Nobody knows when another connection closes. The seconds keep a crowd from asking all the time.
TOO_MANY = Closing(4429, "too many connections", 429, retry_after=5)


def refused(topic: str) -> Closing:
    # A close reason holds at most 123 bytes (RFC 6455, section 5.5).
    reason = f"topic refused: {topic}".encode()[:120].decode(errors="ignore")
    return Closing(4403, reason, 403)
