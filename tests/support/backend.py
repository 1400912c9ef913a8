"""A server behind a proxy that records the requests it gets, and answers all of them alike, or breaks."""

from __future__ import annotations

import socketserver
import threading
from enum import Enum
from pathlib import Path

from tests.support.processes import Closing


class Fault(Enum):
    CLOSES = "reads a request and closes without an answer"
    RESTARTS = "accepts no connection"


class Backend(Closing):
    """A running server on a free port of this machine, or at a socket file. `requests` has their first lines."""

    def __init__(self, fault: Fault | None = None, *, status: int = 200, at: Path | None = None) -> None:
        self.requests: list[str] = []
        backend = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while head := self._head():
                    backend.requests.append(head)
                    if fault is Fault.CLOSES:
                        return
                    self.wfile.write(b"HTTP/1.1 %d Said\r\ncontent-length: 0\r\n\r\n" % status)

            def _head(self) -> str:
                lines = []
                while line := self.rfile.readline().decode().strip():
                    lines.append(line)
                return lines[0] if lines else ""

        if at is None:
            self._server: socketserver.BaseServer = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
            self.port = self._server.server_address[1]
        else:
            self._server = socketserver.ThreadingUnixStreamServer(str(at), Handler)
            at.chmod(0o666)  # as uvicorn does
        self._is_serving = fault is not Fault.RESTARTS
        if self._is_serving:
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        else:
            self._server.server_close()

    def close(self) -> None:
        if self._is_serving:
            self._server.shutdown()
            self._server.server_close()
