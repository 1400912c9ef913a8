"""A proxy between browsers and a site, as in companies and hotels: it counts, blocks, delays and cuts."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.support.site import Served, Visitor

_CONNECTION = re.compile(rb"^\w+ [^ ]*/live/(ws|sse|poll)/")
_BLOCKED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNK = 64 * 1024


class Proxy:
    """A stand-in for the site wherever only its URL and visitors are needed."""

    def __init__(self, site: Served) -> None:
        self._site = site
        self.url = ""
        self.opened: Counter[str] = Counter()
        """The number of connections requested so far, by kind: "ws", "sse", "poll"."""
        self.open: Counter[str] = Counter()
        """The number of open connections, by kind."""
        self.blocked: set[str] = set()
        """The kinds that are answered 502."""
        self.held_back: set[str] = set()
        """The kinds whose answers are delayed until they end, as by a buffering proxy."""
        self.offline = False
        self.budgets: dict[str, int] = {}
        """The bytes that a kind may still answer. At the next byte its connection is cut, and its entry removed."""
        self.cuts: Counter[str] = Counter()
        """The number of connections that a budget has cut, by kind."""
        self.on_opened: Callable[[str], None] = lambda kind: None
        """Called with the kind of each connection before its first byte is answered."""
        self._loop = asyncio.new_event_loop()
        self._exchanges: set[asyncio.Task[None]] = set()

    def visitor(self, username: str | None = None) -> Visitor:
        return self._site.visitor(username)

    def cut(self) -> None:
        """Break all open connections."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for exchange in self._exchanges:
            exchange.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = asyncio.current_task()
        assert exchange is not None
        self._exchanges.add(exchange)
        try:
            # `cut` cancels this task, and nobody awaits it.
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._exchange(reader, writer)
        finally:
            self._exchanges.discard(exchange)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        match = _CONNECTION.match(head)
        kind = match[1].decode() if match else "page"
        self.opened[kind] += 1
        if self.offline:
            return
        if kind in self.blocked:
            writer.write(_BLOCKED)
            await writer.drain()
            return
        self.open[kind] += 1
        self.on_opened(kind)
        try:
            await self._forward(kind, head, reader, writer)
        finally:
            self.open[kind] -= 1

    async def _forward(
        self, kind: str, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        site_reader, site_writer = await asyncio.open_connection("127.0.0.1", urlsplit(self._site.url).port)
        if b"upgrade: websocket" not in head.lower():
            # With one exchange for each connection, the proxy only needs to recognise the end.
            head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        site_writer.write(head)
        there = asyncio.create_task(_pass_on(reader, site_writer))
        back = asyncio.create_task(self._pass_back(kind, site_reader, writer))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            site_writer.close()

    async def _pass_back(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = b""
        with suppress(OSError):
            while piece := await reader.read(_CHUNK):
                if kind in self.held_back:
                    kept += piece
                    continue
                allowed = self._allowed(kind, len(piece))
                writer.write(piece[:allowed])
                await writer.drain()
                if allowed < len(piece):
                    return
            writer.write(kept)
            await writer.drain()

    def _allowed(self, kind: str, size: int) -> int:
        """Return how many of so many bytes may pass, and use up the budget of the kind."""
        budget = self.budgets.pop(kind, None)
        if budget is None:
            return size
        if size <= budget:
            self.budgets[kind] = budget - size
            return size
        self.cuts[kind] += 1
        return budget

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        self._loop.run_forever()
        server.close()
        self._cut()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_CHUNK):
            writer.write(piece)
            await writer.drain()


@contextmanager
def proxy_before(site: Served) -> Iterator[Proxy]:
    proxy = Proxy(site)
    ready = threading.Event()
    thread = threading.Thread(target=proxy._run, args=[ready])
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(proxy._loop.stop)
        thread.join()
