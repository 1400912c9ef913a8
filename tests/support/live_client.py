"""The base class of live clients, for every kind of connection."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

PATIENCE = 30.0


class Closed(Exception):
    """Raised when the server has closed the connection, or refused to open it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class LiveClient(ABC):
    """A client that applies frames like a page. It keeps the cursor, and fails on doubled or disordered events."""

    def __init__(self) -> None:
        self.cursor = ""
        self.events: list[dict[str, Any]] = []
        self.reset: list[str] = []
        self._last: dict[str, int] = {}

    def frame(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Apply and return the next frame. Raise `TimeoutError` if none arrives in time, or `Closed`."""
        frame: dict[str, Any] = json.loads(self.raw_frame(patience))
        assert set(frame) == {"events", "cursor", "more", "reset"}
        self.cursor = frame["cursor"]
        self._start_again(frame["reset"])
        for event in frame["events"]:
            self._apply(event)
        return frame

    def caught_up(self) -> list[dict[str, Any]]:
        """Read frames until `more` is false, and return all events."""
        while self.frame()["more"]:
            pass
        return self.events

    def until(self, kind: str) -> dict[str, Any]:
        """Return the next event of a kind, and remove it from `events`."""
        while True:
            for number, event in enumerate(self.events):
                if event["kind"] == kind:
                    return self.events.pop(number)
            self.frame()

    def receives_nothing(self, seconds: float = 1.5) -> bool:
        """Return whether no event arrives for this long. The default is longer than a hub's own interval."""
        until = time.monotonic() + seconds
        with suppress(TimeoutError):
            while True:
                if self.frame(max(0.0, until - time.monotonic()))["events"]:
                    return False
        return True

    def closing(self, patience: float = PATIENCE) -> tuple[int, str]:
        """Wait for the server to close the connection, and return code and reason."""
        until = time.monotonic() + patience
        try:
            while True:
                self.frame(max(0.0, until - time.monotonic()))
        except Closed as closed:
            return closed.code, closed.reason

    @abstractmethod
    def raw_frame(self, patience: float) -> str | bytes:
        """Return the text of the next frame. Raise `TimeoutError` or `Closed`."""

    @abstractmethod
    def send(self, **frame: object) -> None:
        """Send `ack=` a cursor, or `visible=`. Over HTTP this is `POST /live/ack/`, which must be accepted."""

    @abstractmethod
    def leave(self) -> None:
        """Close the connection from this side."""

    def _start_again(self, reset: Sequence[str]) -> None:
        self.reset += reset
        for topic in reset:
            self._last.pop(topic, None)

    def _apply(self, event: dict[str, Any]) -> None:
        topic, seq = event["topic"], event["seq"]
        if seq is not None:
            last = self._last.get(topic)
            assert last is None or seq == last + 1, f"{topic}: {seq} after {last}"
            self._last[topic] = seq
        self.events.append(event)
