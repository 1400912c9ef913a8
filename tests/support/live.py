"""Clients of the live protocol, as pages are, for tests that need to see every frame: the same over every connection.

What a page does by itself (polling again, reading a stream) they do in a thread, so that a test meets an open
connection while it does something else.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit
from weakref import WeakKeyDictionary

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.site import Site, Visitor

PATIENCE = 5.0
WEBSOCKET, SSE, LONG_POLL, POLL = "websocket", "sse", "long-poll", "poll"
HELD = (WEBSOCKET, SSE, LONG_POLL)
"""Connections that a server can end; a plain poll is over before it could."""
EVERY = (*HELD, POLL)

CODES = {400: 4400, 401: 4401, 403: 4403, 408: 4408, 413: 1009, 429: 4429, 503: 1012}
"""The protocol's code for what is said over HTTP."""


class Closed(Exception):
    """The server ended the connection, or did not open it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class RefusedHandshake(Exception):
    """A WebSocket that was never accepted."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class LiveClient(ABC):
    """Applies frames like a page: it keeps the cursor, and fails on an event that comes twice or out of order."""

    def __init__(self) -> None:
        self.cursor = ""
        self.events: list[dict[str, Any]] = []
        self.reset: list[str] = []
        self._last: dict[str, int] = {}

    def frame(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next frame. Raises `TimeoutError` when none comes, and `Closed`."""
        frame: dict[str, Any] = json.loads(self.raw_frame(patience))
        assert set(frame) == {"events", "cursor", "more", "reset"}
        self.cursor = frame["cursor"]
        self._start_again(frame["reset"])
        for event in frame["events"]:
            self._apply(event)
        return frame

    def caught_up(self) -> list[dict[str, Any]]:
        """The events of the first frame and of those that it says will follow."""
        while self.frame()["more"]:
            pass
        return self.events

    def until(self, kind: str) -> dict[str, Any]:
        """The next event of a kind that has not been asked for."""
        while True:
            for number, event in enumerate(self.events):
                if event["kind"] == kind:
                    return self.events.pop(number)
            self.frame()

    def hears_nothing(self, seconds: float = 1.5) -> bool:
        """Longer than a hub takes to look for itself."""
        until = time.monotonic() + seconds
        with suppress(TimeoutError):
            while True:
                if self.frame(max(0.0, until - time.monotonic()))["events"]:
                    return False
        return True

    def closing(self, patience: float = PATIENCE) -> tuple[int, str]:
        """Code and reason with which the server ends the connection, once it does."""
        until = time.monotonic() + patience
        try:
            while True:
                self.frame(max(0.0, until - time.monotonic()))
        except Closed as closed:
            return closed.code, closed.reason

    @abstractmethod
    def raw_frame(self, patience: float) -> str | bytes:
        """The text of a frame. Raises `TimeoutError` and `Closed`."""

    @abstractmethod
    def leave(self) -> None:
        """Ends the connection from this side."""

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


class WebSocketClient(LiveClient):
    def __init__(self, site_url: str, query: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        address = f"{site_url.replace('http', 'ws', 1)}/live/ws/?{query}"
        try:
            self._socket = connect(address, additional_headers=dict(headers), max_size=None)
        except InvalidStatus as refused:
            raise RefusedHandshake(refused.response.status_code) from None

    def raw_frame(self, patience: float) -> str | bytes:
        try:
            return self._socket.recv(timeout=patience)
        except ConnectionClosed as closed:
            if closed.rcvd is None:
                raise Closed(1006, "") from None
            raise Closed(closed.rcvd.code, closed.rcvd.reason) from None

    def leave(self) -> None:
        self._socket.close()

    def say(self, **frame: object) -> None:
        self._socket.send(json.dumps(frame))

    def say_raw(self, frame: str | bytes | Iterator[str]) -> None:
        self._socket.send(frame)


class _HttpClient(LiveClient):
    """Asks in a thread of its own, which hands over what was said, in its order."""

    def __init__(self, site_url: str, path: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        address = urlsplit(site_url)
        self._path, self._sent = path, dict(headers)
        self._line = HTTPConnection(address.hostname or "", address.port, timeout=60)
        self._line.connect()
        self._socket: socket.socket = self._line.sock
        self._said: queue.Queue[str | Closed] = queue.Queue()
        self._left = threading.Event()
        self.status = 0
        self.headers: Mapping[str, str] = {}
        threading.Thread(target=self._run, daemon=True).start()

    def raw_frame(self, patience: float) -> str:
        try:
            said = self._said.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(said, Closed):
            # For whoever asks again: nothing else will be said.
            self._said.put(said)
            raise said
        return said

    def leave(self) -> None:
        self._left.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._line.close()

    def _run(self) -> None:
        try:
            self._listen()
        except Closed as closed:
            self._said.put(closed)
        except (OSError, HTTPException, ValueError, AttributeError):
            self._said.put(Closed(1006, ""))

    @abstractmethod
    def _listen(self) -> None: ...

    def _ask(self, query: str) -> HTTPResponse:
        self._line.request("GET", f"{self._path}?{query}", headers=self._sent)
        response = self._line.getresponse()
        self.status, self.headers = response.status, response.headers
        if response.status != 200:
            raise Closed(CODES.get(response.status, response.status), json.loads(response.read())["detail"])
        return response


class SseClient(_HttpClient):
    """`retry` and `comments` are what the stream said beside its frames."""

    def __init__(self, site_url: str, query: str, headers: Mapping[str, str]) -> None:
        self._query = query
        self.retry = 0
        self.comments = 0
        super().__init__(site_url, "/live/sse/", {"Accept": "text/event-stream", **headers})

    def _listen(self) -> None:
        response, text = self._ask(self._query), b""
        while piece := response.read1(65536):
            *blocks, text = (text + piece).split(b"\n\n")
            for block in blocks:
                self._hear(block.decode())
        raise Closed(1006, "the stream ended without a word")

    def _hear(self, block: str) -> None:
        fields = dict(line.split(":", 1) for line in block.split("\n"))
        fields = {name: value.removeprefix(" ") for name, value in fields.items()}
        self.retry = int(fields.pop("retry", self.retry))
        if fields.pop("", None) is not None:
            self.comments += 1
        if fields.get("event") == "close":
            told = json.loads(fields["data"])
            raise Closed(told["code"], told["reason"])
        if fields:
            assert set(fields) == {"id", "data"}
            assert json.loads(fields["data"])["cursor"] == fields["id"]
            self._said.put(fields["data"])


class PollClient(_HttpClient):
    """Asks again as soon as it has an answer; what holds no news stays in the thread, but for the first."""

    def __init__(self, site_url: str, query: str, headers: Mapping[str, str], *, wait: float) -> None:
        self._query = query
        self._wait = wait
        super().__init__(site_url, "/live/poll/", headers)

    def _listen(self) -> None:
        frame = self._poll(self._query)
        self._said.put(json.dumps(frame))
        topics = urlencode([field for field in _fields(self._query) if field[0] != "cursor"])
        while not self._left.wait(0.0 if self._wait else 0.1):
            frame = self._poll(f"{topics}&{urlencode({'cursor': frame['cursor']})}")
            if frame["events"] or frame["reset"] or frame["more"]:
                self._said.put(json.dumps(frame))

    def _poll(self, query: str) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self._ask(f"{query}&wait={self._wait:g}").read())
        return frame


def _fields(query: str) -> list[tuple[str, str]]:
    return [(field.partition("=")[0], field.partition("=")[2]) for field in query.split("&") if field]


# Opening


class Listen(Protocol):
    """Opens one kind of connection to one site; see `listening_by`."""

    by: str

    def __call__(
        self,
        who: str | Visitor | None,
        *,
        topics: Sequence[str] = (),
        cursor: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any: ...


@contextmanager
def listening_by(
    by: str,
    site: Site,
    who: str | Visitor | None,
    *,
    topics: Sequence[str] = (),
    cursor: str = "",
    headers: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    """An open connection. `headers` stand in place of what a browser says of its page, which is one of the site's."""
    client = open_by(by, site.url, query_of(topics, cursor), {**(headers_of(by, site) if headers is None else headers), **cookie_of(site, who)})
    try:
        yield client
    finally:
        client.leave()


@contextmanager
def listening(
    site: Site, who: str | Visitor | None, *, topics: Sequence[str] = (), cursor: str = "", origin: str | None = ""
) -> Iterator[WebSocketClient]:
    """An open WebSocket. `origin` is the site's own unless given; None sends none."""
    headers = None if origin == "" else {} if origin is None else {"Origin": origin}
    with listening_by(WEBSOCKET, site, who, topics=topics, cursor=cursor, headers=headers) as client:
        yield client
