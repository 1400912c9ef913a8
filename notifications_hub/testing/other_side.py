"""The other side of a transport under test: what it receives, and the ways in which it fails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

BUSY_SECONDS = 7
"""The seconds that a busy other side asks for."""


class Fault(Enum):
    """A way to fail. The next message to an address then has this answer, and is not received."""

    PASSING = "it cannot accept a message at the moment"
    BUSY = "it asks for a pause of `BUSY_SECONDS`"
    GONE = "the address will never work again"
    TOO_LONG = "it finds the message too long"
    DROPS = "it ends the connection without an answer"
    SILENT = "it never answers"


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it arrived. `text` holds its title somewhere; `tag` is None if the medium has no tags."""

    text: str
    tag: str | None = None


class OtherSide(ABC):
    """The fake receiving side of a transport. Subclass it, or `HttpOtherSide`, for a transport of your own."""

    lacks: Collection[Fault] = ()
    """The faults that the medium does not know. Tests of these are skipped."""
    secrets: Sequence[str] = ()
    """Texts that no error and no log line may contain, such as a token of an address."""

    @abstractmethod
    def reach(self, person: Any) -> str:
        """Make the person reachable by the transport, and return their address."""

    @abstractmethod
    def received(self, address: str) -> Sequence[Received]:
        """Return what was accepted at the address, in order."""

    @abstractmethod
    def fail_next(self, fault: Fault, address: str) -> None:
        """Fail the next message to the address. `GONE` stays until the end of the test."""
