"""Raw connections, as strangers open them: bytes without a proper client."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


@contextmanager
def dialled(port: int, count: int, first: bytes) -> Iterator[list[socket.socket]]:
    """Open `count` connections to a port, and send the same bytes on each."""
    with ExitStack() as opened:
        lines = [opened.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(count)]
        for line in lines:
            line.sendall(first)
        yield lines


def still_open(lines: Sequence[socket.socket]) -> list[socket.socket]:
    """Return the connections that the other side has not closed."""
    left = []
    for line in lines:
        line.setblocking(False)
        try:
            ended = not line.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            ended = False
        except ConnectionError:
            ended = True
        line.setblocking(True)
        if not ended:
            left.append(line)
    return left


def wait_until_closed(lines: Sequence[socket.socket], seconds: float) -> float:
    """Wait until the other side has closed all connections, and return the seconds that it took."""
    began = time.monotonic()
    while lines := still_open(lines):
        assert time.monotonic() - began < seconds, f"{len(lines)} are open after {seconds:g} s"
        time.sleep(0.2)
    return time.monotonic() - began
