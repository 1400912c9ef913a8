"""A real HTTP server on this machine that records requests, and answers as a test says."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    """The time before the answer."""


class Receiver:
    """A server whose paths are addresses. `answer` sets the next answers, and `gone` names paths that answer 410."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.host = f"127.0.0.1:{server.server_port}"
        self.url = f"http://{self.host}"
        self.requests: list[Request] = []
        self.gone: set[str] = set()
        self.default = Answer()
        self._answers: deque[Answer] = deque()
        self.released = threading.Event()

    def answer(self, *answers: Answer) -> None:
        self._answers.extend(answers)

    def taken(self, request: Request) -> Answer:
        if request.path in self.gone:
            return Answer(410)
        answer = self._answers.popleft() if self._answers else self.default
        if 200 <= answer.status < 300:
            self.requests.append(request)
        return answer


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = there.taken(Request(self.path, dict(self.headers), body))
            there.released.wait(answer.seconds)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST  # noqa: N815 -- the names that http.server calls

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there = Receiver(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield there
    finally:
        there.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
