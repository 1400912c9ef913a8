"""Exit with 0 if a web process of the site is ready, for health checks in an image that has no curl.

`probe.py` asks port 8000, `probe.py /run/hub/web-1.sock` a socket file, and `--wait 60` asks for up to 60 seconds.
`--path /healthz` asks whether it is alive. Uses only the standard library, so it starts in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

SECONDS = 4.0


def main() -> int:
    options = _options()
    end = time.monotonic() + options.wait
    while (answer := _answer(options.at, options.path)) != HTTPStatus.OK:
        if time.monotonic() >= end:
            print(f"{options.at}{options.path}: {answer}", file=sys.stderr)  # noqa: T201 -- a command
            return 1
        time.sleep(0.2)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Exit with 0 if a web process is ready.")
    parser.add_argument("at", nargs="?", default="8000", help="a port of this machine, or a socket file (8000)")
    parser.add_argument("--path", default="/readyz", help="the page to ask for (/readyz)")
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="how long to go on asking (0)")
    return parser.parse_args()


def _answer(at: str, path: str) -> object:
    """Return the status, or the error."""
    connection = HTTPConnection("127.0.0.1", int(at), timeout=SECONDS) if at.isdecimal() else _SocketFile(at)
    try:
        connection.request("GET", path, headers={"Host": _host()})
        return connection.getresponse().status
    except (OSError, HTTPException) as error:
        return error
    finally:
        connection.close()


def _host() -> str:
    """Return a name of the site, because Django answers no other."""
    return os.environ.get("ALLOWED_HOSTS", "").split(",")[0].lstrip(".*") or "localhost"


class _SocketFile(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


if __name__ == "__main__":
    sys.exit(main())
