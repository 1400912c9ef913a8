"""The poll connection: version 1 of the live protocol by plain requests that wait up to 25 seconds for events.

A poll that waits is answered in ASGI, where waiting holds no thread; `wait=0` is a plain view and works under WSGI too.
Its person is present while it waits. If the page is visible, they also count as present until the next poll is due.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from notifications_hub.live.admission import Admitted, ConnectionRequest, Refusal, start_positions
from notifications_hub.live.asgi_exchange import Exchange, Receive, Scope, Send
from notifications_hub.live.close_codes import RESTART, Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.counting import count_closed
from notifications_hub.live.deadline import deadline
from notifications_hub.live.frames import Frame, read_frame
from notifications_hub.live.hub import Hub, start_hub
from notifications_hub.live.presence import record_poll
from notifications_hub.live.topic_presence import record_visit

LONGEST_WAIT = 25.0


async def poll(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of `/live/poll/`."""
    hub, exchange = start_hub(), Exchange(scope, receive, send, "poll")
    opened = await exchange.open(hub)
    if opened is None:
        return
    wanted, admitted = opened
    wait = wait_of(scope["query_string"].decode("latin1"))
    try:
        if wanted.visible and admitted.visitor.credential:
            await hub.cache.in_time(record_poll, admitted.visitor.person.pk, wait)
        if wait:
            await _Waiting(hub, exchange).run(wanted, admitted, wait)
        else:
            await exchange.answer(200, (await _frame_now(hub, wanted, admitted)).text)
    except Refusal as refusal:
        await exchange.refuse(refusal.closing)


async def _frame_now(hub: Hub, wanted: ConnectionRequest, admitted: Admitted) -> Frame:
    async with deadline():
        if wanted.visible:
            await hub.database(record_visit, admitted.visitor.person.pk, admitted.topics)
        return await hub.database(read_frame, *start_positions(admitted.topics, wanted.known))


def wait_of(query: str) -> float:
    """Return the seconds to wait, clamped to 0–25. Anything but a number means no wait."""
    try:
        # Keep this order: `float` accepts "nan", and every comparison with it is false.
        return min(max(0.0, float(parse_qs(query).get("wait", ["0"])[0])), LONGEST_WAIT)
    except ValueError:
        return 0.0


class _Waiting:
    """A waiting poll: a connection that ends with its first events."""

    def __init__(self, hub: Hub, exchange: Exchange) -> None:
        self._hub = hub
        self._exchange = exchange
        self._frames: asyncio.Queue[Frame | Closing] = asyncio.Queue()
        self._newest: Frame

    async def run(self, wanted: ConnectionRequest, admitted: Admitted, wait: float) -> None:
        connection = Connection(
            admitted, log=self._hub.log, send=self._frames.put, close=self._frames.put_nowait, kind="poll"
        )
        connection.listen(*start_positions(admitted.topics, wanted.known))
        try:
            with self._hub.holding(connection):
                answer = await self._first_news(wait, from_now=wanted.known is None)
        except asyncio.CancelledError:
            # A server that stops cancels its requests.
            count_closed("poll", RESTART)
            await self._exchange.refuse(RESTART)
            raise
        count_closed("poll", None if isinstance(answer, Frame) else answer)
        if isinstance(answer, Frame):
            await self._exchange.answer(200, answer.text)
        else:
            await self._exchange.refuse(answer)

    async def _first_news(self, wait: float, *, from_now: bool) -> Frame | Closing:
        try:
            async with deadline():
                first = await self._frames.get()
        except Refusal as refusal:
            return refusal.closing
        if isinstance(first, Closing) or first.news or from_now:
            return first
        self._newest = first
        gone = asyncio.create_task(self._exchange.wait_for_disconnect())
        news = asyncio.create_task(self._next_news())
        try:
            await asyncio.wait({gone, news}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            answer = news.result() if news.done() else self._newest
            # On a restart the poll just ends early; the cursor brings back anything it missed.
            return self._newest if answer is RESTART else answer
        finally:
            gone.cancel()
            news.cancel()

    async def _next_news(self) -> Frame | Closing:
        """Wait for news. A frame without any only means that the log was read again, and may have a newer cursor."""
        while True:
            answer = await self._frames.get()
            if isinstance(answer, Closing) or answer.news:
                return answer
            self._newest = answer
