"""A client of the live protocol, as a page is one, for tests that need to see every frame."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.site import Site, Visitor

PATIENCE = 5.0


class LiveClient:
    """Applies frames like a page: it keeps the cursor, and fails on an event that comes twice or out of order."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.cursor = ""
        self.events: list[dict[str, Any]] = []
        self.reset: list[str] = []
        self._last: dict[str, int] = {}

    def frame(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next frame. Raises `TimeoutError` when none comes."""
        frame: dict[str, Any] = json.loads(self._socket.recv(timeout=patience))
        self.cursor = frame["cursor"]
        self.reset += frame["reset"]
        for event in frame["events"]:
            self._apply(event)
        return frame

    def until(self, kind: str) -> dict[str, Any]:
        """The next event of a kind that has not been asked for."""
        while True:
            for number, event in enumerate(self.events):
                if event["kind"] == kind:
                    return self.events.pop(number)
            self.frame()

    def hears_nothing(self, seconds: float = 1.5) -> bool:
        """Longer than a hub takes to look for itself."""
        try:
            return not self.frame(seconds)["events"]
        except TimeoutError:
            return True

    def say(self, **frame: object) -> None:
        self._socket.send(json.dumps(frame))

    def say_raw(self, frame: str | bytes) -> None:
        self._socket.send(frame)

    def closing(self) -> tuple[int, str]:
        """Code and reason with which the server ends the connection."""
        try:
            while True:
                self._socket.recv(timeout=PATIENCE)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code, closed.rcvd.reason

    def _apply(self, event: dict[str, Any]) -> None:
        topic, seq = event["topic"], event["seq"]
        if seq is not None:
            last = self._last.get(topic)
            assert last is None or seq == last + 1, f"{topic}: {seq} after {last}"
            self._last[topic] = seq
        self.events.append(event)


@contextmanager
def listening(
    site: Site, username: str | None, *, topics: Sequence[str] = (), cursor: str = "", origin: str | None = ""
) -> Iterator[LiveClient]:
    """An open connection. `origin` is the site's own unless given; None sends none."""
    cookies = "; ".join(f"{name}={value}" for name, value in _visitor(site, username).cookies.items())
    query = urlencode([*(("topic", topic) for topic in topics), *([("cursor", cursor)] if cursor else [])])
    address = f"{site.url.replace('http', 'ws')}/live/ws/?{query}"
    with connect(
        address,
        origin=site.url if origin == "" else origin,
        additional_headers={"Cookie": cookies},  # type: ignore[arg-type]
    ) as socket:
        yield LiveClient(socket)


_visitors: WeakKeyDictionary[Site, dict[str | None, Visitor]] = WeakKeyDictionary()


def _visitor(site: Site, username: str | None) -> Visitor:
    # Signing in lands on a page, which flashes: once is enough.
    known = _visitors.setdefault(site, {})
    if username not in known:
        known[username] = site.visitor(username)
    return known[username]
