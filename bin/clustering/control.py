"""A client of the supervisord of a bin/cluster. Uses only the standard library."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any


class Control:
    """Start, stop and find the parts by name. Each call returns when it has happened."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self, part: str) -> None:
        self._call("startProcess", part)

    def stop(self, part: str) -> None:
        self._call("stopProcess", part)

    def pid(self, part: str) -> int:
        """Return the process id, or 0 while the part does not run."""
        return int(self._call("getProcessInfo", part)["pid"])

    def _call(self, method: str, part: str) -> Any:
        with xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self._path)) as server:
            return getattr(server.supervisor, method)(part)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        # `close` closes this one.
        self._connection = host, connection
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
