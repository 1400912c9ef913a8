"""A process that opens WebSockets for nobody, from a page of another site, as fast as it can.

`python -m tests.faults.flood PORT SECONDS` prints `{"handshakes": …, "refused": …}`. Its address is 127.0.0.2, so that
limits of one address touch nobody else.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

AT_ONCE = 250
_SOURCE = ("127.0.0.2", 0)
_HANDSHAKE = (
    "GET /live/ws/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Flood:
    def __init__(self, port: int, seconds: float) -> None:
        self._port, self._until = port, time.monotonic() + seconds
        self._handshake = _HANDSHAKE.format(port=port).encode()
        self.handshakes = self.refused = 0

    async def run(self) -> None:
        await asyncio.gather(*(self._knock() for _ in range(AT_ONCE)))

    async def _knock(self) -> None:
        while time.monotonic() < self._until:
            self.handshakes += 1
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=_SOURCE)
                writer.write(self._handshake)
                answer = await reader.readline()
                writer.transport.abort()
            except OSError:
                continue
            self.refused += answer.split()[1:2] in ([b"403"], [b"429"], [b"503"])


def main() -> None:
    flood = Flood(int(sys.argv[1]), float(sys.argv[2]))
    asyncio.run(flood.run())
    print(json.dumps({"handshakes": flood.handshakes, "refused": flood.refused}))  # noqa: T201 -- the result


if __name__ == "__main__":
    main()
