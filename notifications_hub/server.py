"""uvicorn as a site with live connections should run it. Its own defaults leave several doors open to strangers.

Half-sent requests end after a while, a head has a size, WebSocket frames are short, and nothing is compressed. Of
several workers each imports this module before the site, so it imports no models.
"""

from __future__ import annotations

import asyncio
import logging
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from notifications_hub.live.closing import MAX_CLIENT_FRAME

HEAD_SECONDS = 10.0
"""From the connection, or from the answer before it, until the whole head of a request has arrived."""
BODY_SECONDS = 20.0
"""Between two parts of a body: a long upload over a slow line goes on for as long as it moves."""
MAX_HEAD = 64 * 1024
"""Bytes. More than any browser sends; `h11` has the same bound."""
MAX_CONNECTIONS = 12_000
"""Open in one process, of every kind. What comes beyond is answered 503."""
_CURSOR = re.compile(r"(?<=[?&]cursor=)[^&\s]+")
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What differs from one deployment to another; see `hub_serve --help`."""

    host: str = "127.0.0.1"
    port: int = 8000
    uds: str | None = None
    workers: int = 1
    forwarded_allow_ips: str | None = None
    limit_concurrency: int = MAX_CONNECTIONS


def serve(application: str, options: Options) -> None:
    """Serve an ASGI application, named like `yoursite.asgi:application`, until SIGTERM or SIGINT."""
    uvicorn.run(
        application,
        host=options.host,
        port=options.port,
        uds=options.uds,
        workers=options.workers,
        # Nobody but a proxy on this machine can reach a socket in the file system.
        forwarded_allow_ips=options.forwarded_allow_ips or ("*" if options.uds else None),
        limit_concurrency=options.limit_concurrency,
        http=DeadlineProtocol,
        ws="websockets-sansio",
        # Compression costs more than it saves on short frames, and a window of memory a socket.
        ws_per_message_deflate=False,
        ws_max_size=MAX_CLIENT_FRAME,
        timeout_graceful_shutdown=5,
        log_config=_log_config(),
    )


class HideCursors(logging.Filter):
    """A filter that leaves cursors out of the addresses that uvicorn logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_CURSOR.sub("…", arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


def _log_config() -> dict[str, Any]:
    """Return uvicorn's own configuration of its log, with that filter."""
    config = deepcopy(LOGGING_CONFIG)
    config["filters"] = {"cursors": {"()": HideCursors}}
    for name in ("uvicorn.access", "uvicorn.error"):
        config["loggers"][name]["filters"] = ["cursors"]
    return config


class DeadlineProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection whose next request stops arriving. uvicorn itself waits without end."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes: int | None = 0
    """Of the head that is arriving; None while a request has its head."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._expect(BODY_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._expect(BODY_SECONDS)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # An answer that did not wait for the body. Of an upgrade there is no cycle.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.response_complete:
            self._expect_head()
        else:
            self._expect_nothing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # A request that was sent along with this one has its head already.
        if self.cycle.response_complete and self._deadline is None:
            self._expect_head()

    def handle_websocket_upgrade(self) -> None:
        self._expect_nothing()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._expect(HEAD_SECONDS)

    def _expect(self, seconds: float) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(seconds, self._give_up, seconds)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self, seconds: float) -> None:
        # While the application has enough to read, it is we who do not take more.
        if self.flow.read_paused:
            self._expect(seconds)
        else:
            self.transport.close()
