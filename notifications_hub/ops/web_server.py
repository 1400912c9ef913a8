"""uvicorn with limits that a site with live connections needs. Its defaults leave several doors open to strangers.

Half-sent requests time out, the size of a head and of WebSocket frames is limited, and nothing is compressed. With
several workers, each imports this module before the site, so it imports no models.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import sys
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import uvicorn
from uvicorn._types import ASGISendEvent
from uvicorn.config import LOGGING_CONFIG
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame, Opcode

from notifications_hub.live.close_codes import MAX_CLIENT_FRAME

HEAD_SECONDS = 10.0
"""The time for a request's whole head to arrive, from the connection or from the answer before it."""
BODY_SECONDS = 20.0
"""The time between two parts of a body. A long upload over a slow line may continue while it moves."""
MAX_HEAD = 64 * 1024
"""Bytes. More than any browser sends; `h11` has the same bound."""
MAX_FORWARDED = 1024
"""Bytes. uvicorn caches the last 4,096 forwarded addresses, of any length."""
MAX_BODY = 10 * 2**20
"""Bytes. Django writes a body to disk before any code of the site sees the request."""
MAX_CONNECTIONS = 12_000
"""Open connections of every kind in one process. Further ones are answered 503."""
UNANSWERED_SECONDS = 30.0
"""The time that a client's host may leave data without an answer. A stream's heartbeats find one that has vanished."""
_TRY_AGAIN = (b"retry-after", b"5")
"""Nobody knows when another connection closes. The seconds keep a crowd from asking all the time."""
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
REFUSALS_LOGGED = 10
"""Refused handshakes that are logged in each second of a process. The metric counts all."""
SOCKET_LOG = "uvicorn.error.sockets"
_UNIX = "unix"
"""The host name of clients on a unix socket, which have no address. A proxy there can be trusted by this name."""
_BODY_VARIABLE = "HUB_SERVE_MAX_BODY"
"""The environment variable that carries the limit to the processes of several workers."""
_TOO_LONG = b"HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_SECRET = re.compile(r"(?:(?<=[?&]cursor=)|(?<=[?&]token=))[^&\s]+")
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options that differ between deployments; see `hub_serve --help`."""

    host: str = "127.0.0.1"
    port: int = 8000
    uds: str | None = None
    workers: int = 1
    forwarded_allow_ips: str | None = None
    limit_concurrency: int = MAX_CONNECTIONS
    max_body: int = MAX_BODY


def serve(application: str, options: Options) -> None:
    """Serve an ASGI application, named like `yoursite.asgi:application`, until SIGTERM or SIGINT."""
    os.environ[_BODY_VARIABLE] = str(options.max_body)
    uvicorn.run(
        application,
        host=options.host,
        port=options.port,
        uds=options.uds,
        workers=options.workers,
        forwarded_allow_ips=_trusted(options),
        log_config=_log_config(),
        **{**limits(), "limit_concurrency": options.limit_concurrency},
    )


def limits() -> dict[str, Any]:
    """Return the options of uvicorn's `Config` that every deployment needs."""
    return {
        "http": DeadlineProtocol,
        "ws": SharedFrameProtocol,
        # On short frames compression costs more than it saves, and it needs a window of memory for each socket.
        "ws_per_message_deflate": False,
        "ws_max_size": MAX_CLIENT_FRAME,
        "limit_concurrency": MAX_CONNECTIONS,
        "timeout_graceful_shutdown": 5,
    }


def _trusted(options: Options) -> str | None:
    if options.forwarded_allow_ips is not None:
        return options.forwarded_allow_ips
    # Only a proxy on this machine can reach a socket in the file system. With "*" uvicorn would trust the first address
    # of X-Forwarded-For, which a client may write itself if the proxy appends.
    return _UNIX if options.uds else None


class SharedFrameProtocol(WebSocketsSansIOProtocol):
    """The WebSocket protocol for one text that goes to thousands of sockets: its frame is made once, and written.

    It assumes no compression. A unix socket's client has the same name as for requests.
    """

    _paused = False

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # Two lines a socket, "connection open" and "connection closed", which name no client and take longer than both.
        self.conn.logger = logging.getLogger(SOCKET_LOG)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.client = self.client or (_UNIX, 0)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # `websockets` keeps its suspended parser, which refers back to it. A closed socket would stay in memory until
        # the garbage collector looks through all open ones, which is rare.
        self.conn.parser.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused = True

    def resume_writing(self) -> None:
        super().resume_writing()
        self._paused = False

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            self._refuse_text()
        else:
            super().send_receive_event_to_app()

    def _refuse_text(self) -> None:
        """Close as uvicorn does, without the traceback that it logs: a client could fill the log with them."""
        self.frames = []
        if not self.close_sent:
            self.conn.send_close(CloseCode.INVALID_DATA)
            self.handle_parser_exception()

    async def send(self, message: ASGISendEvent) -> None:
        text = message.get("text")
        if isinstance(text, str) and self._is_open():
            self.transport.write(_text_frame(text))
        elif message["type"] == "websocket.close" and self._refuses_quietly():
            self._refuse()
        else:
            await super().send(message)

    def _refuses_quietly(self) -> bool:
        """Return whether a close refuses the handshake, and too many were refused just now to log each."""
        is_undecided = not self.handshake_complete and self.initial_response is None
        return is_undecided and not _refusals.is_logged(self.loop.time())

    def _refuse(self) -> None:
        """Refuse the handshake as uvicorn does, without a line in the log, which takes longer than all else of it."""
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        self.close_sent = self.handshake_complete = True
        self.transport.write(_REFUSED)
        self.transport.close()

    def _is_open(self) -> bool:
        """Return whether a frame can be written now. Every other case is uvicorn's."""
        # Each further object that is read here costs a memory access, because thousands of sockets fit no cache.
        return (
            self.handshake_complete
            and not (self.close_sent or self.disconnected or self._paused)
            and not self.transport.is_closing()
        )


class _Refusals:
    """The refused handshakes of one process. A flood of them must not fill the log."""

    def __init__(self) -> None:
        self._second = self._count = 0

    def is_logged(self, now: float) -> bool:
        """Count one. Return whether it is among the first of its second."""
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        self._count += 1
        return self._count <= REFUSALS_LOGGED


_refusals = _Refusals()


@lru_cache(maxsize=1)
def _text_frame(text: str) -> bytes:
    # A server's frames are not masked (RFC 6455, section 5.1), so they are the same for every socket.
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def _is_utf8(pieces: Iterable[bytes]) -> bool:
    try:
        b"".join(pieces).decode()
    except UnicodeDecodeError:
        return False
    return True


class HideSecrets(logging.Filter):
    """A filter that removes cursors and tokens from the URLs that uvicorn logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_SECRET.sub("…", arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


def writes_json() -> bool:
    """Return whether the site's root logger has a handler that writes JSON."""
    # Imported by the site's LOGGING, or not at all: it needs a package that the hub does not.
    json_logs = sys.modules.get("notifications_hub.json_logs")
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    return json_logs is not None and any(isinstance(one, json_logs.JsonFormatter) for one in formatters)


def _log_config() -> dict[str, Any]:
    """Return uvicorn's own logging configuration with `HideSecrets` added, and without two lines for each socket."""
    config = deepcopy(LOGGING_CONFIG)
    config["filters"] = {"secrets": {"()": HideSecrets}}
    for name in ("uvicorn.access", "uvicorn.error"):
        config["loggers"][name]["filters"] = ["secrets"]
    if writes_json():
        # One log in one form: the site's own handlers write these lines too.
        config["handlers"] = {}
        for logger in config["loggers"].values():
            logger |= {"handlers": [], "propagate": True}
    # Set here, because uvicorn's configuration resets the loggers below its own.
    config["loggers"][SOCKET_LOG] = {"level": "WARNING"}
    return config


def _end_if_unanswered(line: socket.socket | None) -> None:
    """Let Linux end a connection whose other side has vanished. By itself it tries for a quarter of an hour."""
    if hasattr(socket, "TCP_USER_TIMEOUT") and line is not None and line.family in {socket.AF_INET, socket.AF_INET6}:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNANSWERED_SECONDS * 1000))


class DeadlineProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection whose next request stops arriving. uvicorn itself waits without end."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes: int | None = 0
    """The size of the arriving head so far; None after a request's head is complete."""
    _body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.client = self.client or (_UNIX, 0)
        _end_if_unanswered(transport.get_extra_info("socket"))
        self._max_body = int(os.environ.get(_BODY_VARIABLE, MAX_BODY))
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(value) > MAX_FORWARDED and name.lower() == b"x-forwarded-for":
            # Answered 400 instead of dropped, because the request would then seem to come from the proxy itself.
            raise ValueError("X-Forwarded-For is too long.")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_bytes, self._body_bytes = None, 0
        self._expect(BODY_SECONDS)
        before, is_full = self.cycle, self._is_full()
        super().on_headers_complete()
        # An upgrade begins no cycle. uvicorn's own 503 has no header that says when to try again.
        if is_full and self.cycle is not before:
            self.cycle.default_headers = [*self.cycle.default_headers, _TRY_AGAIN]

    def _is_full(self) -> bool:
        """Return whether uvicorn answers a request 503 that arrives now."""
        limit = self.limit_concurrency
        return limit is not None and max(len(self.connections), len(self.tasks)) >= limit

    def on_body(self, body: bytes) -> None:
        self._expect(BODY_SECONDS)
        self._body_bytes += len(body)
        if self._body_bytes <= self._max_body:
            super().on_body(body)
        elif not self.transport.is_closing():
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # The answer may not have waited for the body. An upgrade has no cycle.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.response_complete:
            self._expect_head()
        else:
            self._expect_nothing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # A pipelined request already has its head.
        if self.cycle.response_complete and self._deadline is None:
            self._expect_head()

    def handle_websocket_upgrade(self) -> None:
        self._expect_nothing()
        if self._is_full():
            # uvicorn itself limits requests, and accepts sockets without end.
            self.logger.warning("Exceeded concurrency limit.")
            self.transport.write(_FULL)
            self.transport.close()
        else:
            super().handle_websocket_upgrade()
            # The parser refers to this protocol. Each open socket would keep both until garbage is collected.
            self.parser = None  # type: ignore[assignment]

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
        # While reading is paused, the server itself takes no more data: that is not the client's fault.
        if self.flow.read_paused:
            self._expect(seconds)
        else:
            self.transport.close()
