"""An other side that is an HTTP server on this machine, for transports that send by HTTP."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from notifications_hub.testing.other_side import BUSY_SECONDS, Fault, OtherSide, Received


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that was accepted. The names of its headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.body)


class HttpOtherSide(OtherSide):
    """A local HTTP server that accepts each POST, or fails as a test asks. Use it as a context manager.

    A subclass writes `reach`, whose addresses begin with `url`, and `read`. If the address of a person is not the URL
    that is posted to, it also writes `path_of`.
    """

    accepts = 200
    """The status of an answer that accepts."""
    statuses: Mapping[Fault, int] = {Fault.PASSING: 503, Fault.BUSY: 429, Fault.GONE: 410, Fault.TOO_LONG: 413}
    """The statuses of answers that refuse. `BUSY` also has the header `Retry-After`."""

    def __init__(self) -> None:
        self.requests: list[ReceivedRequest] = []
        self._faults: dict[str, Fault] = {}
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """The root of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def read(self, request: ReceivedRequest) -> Received:
        """Return the message of a request."""
        return Received(request.body.decode())

    def path_of(self, address: str) -> str:
        """Return the path to which a message to the address is posted."""
        return urlsplit(address).path

    def received(self, address: str) -> Sequence[Received]:
        path = self.path_of(address)
        return [self.read(request) for request in list(self.requests) if request.path == path]

    def fail_next(self, fault: Fault, address: str) -> None:
        self._faults[self.path_of(address)] = fault

    def answer(self, request: ReceivedRequest) -> tuple[int, Mapping[str, str]] | None:
        """Return the status and headers of the answer, or None to end the connection. Runs in a thread per request."""
        fault = self._faults.get(request.path)
        if fault is not Fault.GONE:
            self._faults.pop(request.path, None)
        if fault is None:
            self.requests.append(request)
            return self.accepts, {}
        if fault is Fault.SILENT:
            self._closing.wait()
        if fault not in self.statuses:
            return None
        return self.statuses[fault], {"Retry-After": str(BUSY_SECONDS)} if fault is Fault.BUSY else {}


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], side: HttpOtherSide) -> None:
        super().__init__(address, _Handler)
        self.side = side

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: a sender that gave up has closed its connection."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.side.answer(ReceivedRequest(urlsplit(self.path).path, headers, body))
        if answer is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, more = answer
        self.send_response(status)
        for name, value in {"Content-Length": "0", "Connection": "close", **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name that http.server gives it
        """Log nothing: the path may be a secret, and a test looks for it in the log."""
