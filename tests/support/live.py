"""Clients of the live protocol, for tests that need to see every frame. They are alike over each connection kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.live_client import PATIENCE, Closed, LiveClient
from tests.support.live_http import PollClient, SseClient
from tests.support.site import Served, Site, Visitor

__all__ = [
    "EVERY",
    "HELD",
    "LONG_POLL",
    "PATIENCE",
    "POLL",
    "SSE",
    "WEBSOCKET",
    "Closed",
    "LiveClient",
    "PollClient",
    "RefusedHandshake",
    "SseClient",
    "WebSocketClient",
    "cookie_of",
    "listening",
    "listening_by",
    "opened",
    "query_of",
]


class RefusedHandshake(Exception):
    """Raised for a WebSocket that was never accepted."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class WebSocketClient(LiveClient):
    def __init__(self, site_url: str, query: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        address = f"{site_url.replace('http', 'ws', 1)}/live/ws/?{query}"
        try:
            self._opened = connect(address, additional_headers=dict(headers), max_size=None)
            self._socket = self._opened.__enter__()
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
        self._opened.__exit__(None, None, None)

    def send(self, **frame: object) -> None:
        self._socket.send(json.dumps(frame))

    def send_raw(self, frame: str | bytes | Iterator[str]) -> None:
        self._socket.send(frame)


# Open connections

WEBSOCKET, SSE, LONG_POLL, POLL = "websocket", "sse", "long-poll", "poll"
HELD = (WEBSOCKET, SSE, LONG_POLL)
"""The connection kinds that a server can close. A plain poll is over before it could."""
EVERY = (*HELD, POLL)

_OPEN: dict[str, Callable[[str, str, Mapping[str, str]], LiveClient]] = {
    WEBSOCKET: WebSocketClient,
    SSE: SseClient,
    LONG_POLL: partial(PollClient, wait=20),
    POLL: partial(PollClient, wait=0),
}


@contextmanager
def listening_by(
    by: str,
    site: Site,
    who: str | Visitor | None,
    *,
    topics: Sequence[str] = (),
    cursor: str = "",
    person: str = "",
    headers: Mapping[str, str] | None = None,
) -> Iterator[LiveClient]:
    """Open a connection. `headers` replaces the headers with which a browser names its page on the site."""
    with opened(
        by, site.url, cookie_of(site, who), topics=topics, cursor=cursor, person=person, headers=headers
    ) as client:
        yield client


@contextmanager
def opened(
    by: str,
    url: str,
    cookie: str,
    *,
    topics: Sequence[str] = (),
    cursor: str = "",
    person: str = "",
    token: str = "",
    headers: Mapping[str, str] | None = None,
) -> Iterator[LiveClient]:
    """Open a connection like `listening_by`, at any URL of a site. `token` goes into the query."""
    named = _of_own_page(by, url) if headers is None else headers
    client = _OPEN[by](url, query_of(topics, cursor, person, token), {"Cookie": cookie, **named})
    try:
        yield client
    finally:
        client.leave()


@contextmanager
def listening(
    site: Site, who: str | Visitor | None, *, topics: Sequence[str] = (), cursor: str = "", origin: str | None = ""
) -> Iterator[WebSocketClient]:
    """Open a WebSocket. `origin` is by default the site's own; None sends no such header."""
    headers = None if origin == "" else {"Origin": origin} if origin else {}
    with listening_by(WEBSOCKET, site, who, topics=topics, cursor=cursor, headers=headers) as client:
        assert isinstance(client, WebSocketClient)
        yield client


def query_of(topics: Sequence[str], cursor: str, person: str = "", token: str = "") -> str:
    given = [("cursor", cursor), ("person", person), ("token", token)]
    return urlencode([*(("topic", topic) for topic in topics), *(field for field in given if field[1])])


def _of_own_page(by: str, url: str) -> Mapping[str, str]:
    # A browser omits Origin in a GET to its own site.
    return {"Origin": url} if by == WEBSOCKET else {"Sec-Fetch-Site": "same-origin"}


_visitors: WeakKeyDictionary[Served, dict[str | None, Visitor]] = WeakKeyDictionary()


def cookie_of(site: Served, who: str | Visitor | None) -> str:
    visitor = who if isinstance(who, Visitor) else _visitor(site, who)
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())


def _visitor(site: Served, username: str | None) -> Visitor:
    # Sign in only once, because it leads to a page, which flashes.
    known = _visitors.setdefault(site, {})
    if username not in known:
        known[username] = site.visitor(username)
    return known[username]
