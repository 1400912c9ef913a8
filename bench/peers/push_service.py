"""The minimal push service: it accepts every push and drops it. `python -m bench.peers.push_service PORT`."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NEEDED = re.compile(rb"\r\nauthorization: *vapid t=", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nLocation: /m/1\r\n\r\n"
_REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


class Taker(asyncio.Protocol):
    """A connection that is kept open."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[: end + 2]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            self._transport.write(_TAKEN if _NEEDED.search(head) else _REFUSED)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Taker, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1])))
