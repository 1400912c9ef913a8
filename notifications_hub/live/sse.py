"""The SSE connection: version 1 of the live protocol as server-sent events (HTML Standard, section 9.2).

Each frame is one event with the cursor as its `id`, so a browser that reconnects by itself resumes where it was.
"""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress

from notifications_hub.live.admission import Admitted, ConnectionRequest, start_positions
from notifications_hub.live.asgi_exchange import Exchange, Receive, Scope, Send
from notifications_hub.live.close_codes import RESTART, Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.counting import count_closed
from notifications_hub.live.frames import Frame
from notifications_hub.live.hub import Hub, start_hub

RETRY_MS = 3000
HEARTBEAT_SECONDS = 15.0
CLOSE_SECONDS = 2.0
"""Time for a client to read the close event. A client that does not read it is disconnected without one."""
LONGEST_SECONDS = 600.0
"""Longest life of a stream. Proxies and phones drop long requests; after a deliberate end clients resume."""


async def sse(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of `/live/sse/`."""
    hub, exchange = start_hub(), Exchange(scope, receive, send, "sse")
    opened = await exchange.open(hub)
    if opened is not None:
        await _Stream(hub, exchange).run(*opened)


class _Stream:
    def __init__(self, hub: Hub, exchange: Exchange) -> None:
        self._hub = hub
        self._exchange = exchange
        self._ended: asyncio.Future[Closing | None] = asyncio.get_running_loop().create_future()

    async def run(self, wanted: ConnectionRequest, admitted: Admitted) -> None:
        connection = Connection(admitted, log=self._hub.log, send=self._send_frame, close=self._end, kind="sse")
        connection.listen(*start_positions(admitted.topics, wanted.known))
        await self._exchange.start(200, "text/event-stream", {})
        await self._write(f"retry: {RETRY_MS}\n\n")
        try:
            with self._hub.holding(connection):
                closing = await self._serve()
        except asyncio.CancelledError:
            # A server that stops cancels its requests.
            count_closed("sse", RESTART)
            await self._send_close(RESTART)
            raise
        count_closed("sse", closing)
        if closing is not None:
            await self._send_close(closing)

    async def _serve(self) -> Closing | None:
        """Send heartbeats until one side ends the stream. Return None if the client has gone."""
        left = LONGEST_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311 -- spreads the reconnects
        timer = asyncio.get_running_loop().call_later(left, self._end, RESTART)
        # A heartbeat that a client does not read must not delay the end.
        beside = [asyncio.create_task(self._watch_client()), asyncio.create_task(self._beat())]
        try:
            return await self._ended
        finally:
            timer.cancel()
            for task in beside:
                task.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self._write(":\n\n")

    async def _send_close(self, closing: Closing) -> None:
        ending = json.dumps({"code": closing.code, "reason": closing.words})
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._write(f"event: close\ndata: {ending}\n\n", more=False)

    async def _watch_client(self) -> None:
        await self._exchange.wait_for_disconnect()
        if not self._ended.done():
            self._ended.set_result(None)

    def _end(self, closing: Closing) -> None:
        if not self._ended.done():
            self._ended.set_result(closing)

    async def _send_frame(self, frame: Frame) -> None:
        await self._write(f"id: {frame.cursor}\ndata: {frame.text}\n\n")

    async def _write(self, text: str, *, more: bool = True) -> None:
        try:
            await self._exchange.write(text, more=more)
        except (OSError, RuntimeError):
            if not self._ended.done():
                self._ended.set_result(None)
