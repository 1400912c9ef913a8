"""Hostile push services, each with one attack on a port of its own.

They run in another process, so that only the sender's own work is measured.
`python -m tests.push_lab.hostile <port>` prints the port of each; the last one redirects to the given port.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

HUGE = 200_000_000
_HEAD = "HTTP/1.1 500 No\r\nContent-Length: {length}\r\n\r\n"
_REDIRECT = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n"

Harm = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def _silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def _dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD.format(length=1_000_000).encode())
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.1)


async def _huge(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD.format(length=HUGE).encode())
    for _ in range(HUGE // 100_000):
        writer.write(b"x" * 100_000)
        await writer.drain()


async def _redirecting(writer: asyncio.StreamWriter, port: int) -> None:
    writer.write(_REDIRECT.format(port=port).encode())
    await writer.drain()


async def _meet(harm: Harm, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        await harm(writer)
    writer.close()


async def _serve(evils: Mapping[str, Harm]) -> None:
    servers = {name: await asyncio.start_server(partial(_meet, harm), "127.0.0.1", 0) for name, harm in evils.items()}
    ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.sleep(3600)


if __name__ == "__main__":
    _redirect = partial(_redirecting, port=int(sys.argv[1]))
    asyncio.run(_serve({"silent": _silent, "dripping": _dripping, "huge": _huge, "redirecting": _redirect}))
