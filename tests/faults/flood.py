"""A process that opens WebSockets for nobody, from a page of another site, at a steady rate.

`python -m tests.faults.flood PORT SECONDS RATE` prints `{"handshakes": …, "refused": …}`. It comes from hundreds of
addresses, as the visitors of such a page do: 127.1.0.1 and so on, so that a limit of one address does not end it. Each
handshake has a connection of its own. It is lean, because it shares the machine with the site.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time
from itertools import cycle

ADDRESSES = 500
AT_ONCE = 200
PAUSE = 0.002
_HANDSHAKE = (
    "GET /live/ws/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_REFUSALS = (b"403", b"429", b"503")
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""The value of SO_LINGER that leaves no port in TIME_WAIT."""
_NO_PORT_YET = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)


class Flood:
    """Handshakes at a rate or, if the site answers fewer, as many as it answers."""

    def __init__(self, port: int, rate: float) -> None:
        self._port, self._rate = port, rate
        self._handshake = _HANDSHAKE.format(port=port).encode()
        self._addresses = cycle([f"127.1.{number >> 8}.{number & 255}" for number in range(1, ADDRESSES + 1)])
        self._events = select.epoll()
        self._waiting: dict[int, socket.socket] = {}
        self.handshakes = self.refused = 0

    def run(self, seconds: float) -> None:
        begun = time.monotonic()
        while (now := time.monotonic() - begun) < seconds:
            while self.handshakes < now * self._rate and len(self._waiting) < AT_ONCE:
                self._knock()
            for number, _ in self._events.poll(PAUSE):
                self._hear(self._waiting.pop(number))

    def _knock(self) -> None:
        line = socket.socket()
        line.setsockopt(socket.SOL_IP, _NO_PORT_YET, 1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        line.bind((next(self._addresses), 0))
        line.connect(("127.0.0.1", self._port))
        line.send(self._handshake)
        self._events.register(line, select.EPOLLIN)
        self._waiting[line.fileno()] = line
        self.handshakes += 1

    def _hear(self, line: socket.socket) -> None:
        try:
            answer = line.recv(1024)
        except OSError:
            answer = b""
        self.refused += answer[9:12] in _REFUSALS
        line.close()


def main() -> None:
    port, seconds, rate = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    flood = Flood(port, rate)
    flood.run(seconds)
    print(json.dumps({"handshakes": flood.handshakes, "refused": flood.refused}))  # noqa: T201 -- the result


if __name__ == "__main__":
    main()
