"""Many live clients in one event loop. Each changes its kind of connection again and again."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import aiohttp

from tests.support.live import EVERY, LONG_POLL, POLL, SSE, WEBSOCKET, query_of


class Wanderer:
    """One page: it applies frames, keeps its cursor across connections, and records events and delays.

    `stays` is the range of seconds on one connection. `at` returns the site's URL, and is called each time.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        at: Callable[[], str],
        cookie: str,
        topic: str,
        *,
        kinds: Sequence[str] = EVERY,
        stays: tuple[float, float] = (1.0, 5.0),
        chance: random.Random | None = None,
    ) -> None:
        self._session, self._at, self._cookie, self._topic = session, at, cookie, topic
        self._kinds, self._stays = kinds, stays
        self._chance = chance or random.Random()
        self._ways = {WEBSOCKET: self._socket, SSE: self._stream, LONG_POLL: self._long_poll, POLL: self._poll}
        self.cursor = ""
        self.ready = asyncio.Event()
        self._news = asyncio.Event()
        self.numbers: list[int] = []
        self.seqs: list[int] = []
        self.delays: list[float] = []
        self.connections = 0
        self.failures: list[int] = []
        self.reset: list[str] = []

    async def wander(self, until: asyncio.Event) -> None:
        """Listen until the event is set, then poll until there is nothing more."""
        going, stopping = asyncio.create_task(self._go_on()), asyncio.create_task(until.wait())
        try:
            await asyncio.wait({going, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            going.cancel()
            stopping.cancel()
        with suppress(asyncio.CancelledError):
            await going
        async with asyncio.timeout(120):
            while await self._try(self._poll_once):
                pass

    async def _go_on(self) -> None:
        while True:
            way = self._ways[self._chance.choice(self._kinds)]
            self.connections += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(*self._stays)):
                    await self._try(way)

    async def look(self) -> None:
        """Poll once without waiting."""
        await self._poll_once()

    async def _try(self, way: Callable[[], Any]) -> bool:
        """Return whether events arrived. If the server is away, pause briefly and return True, to try again."""
        before = len(self.seqs)
        try:
            await way()
        except (aiohttp.ClientError, ConnectionError) as error:
            self.failures.append(getattr(error, "status", 0))
            await asyncio.sleep(self._chance.uniform(0.05, 0.3))
            return True
        return len(self.seqs) > before

    def _address(self, kind: str, more: str = "") -> str:
        return f"{self._at()}/live/{kind}/?{query_of([self._topic], self.cursor)}{more}"

    async def _socket(self) -> None:
        headers = {"Cookie": self._cookie, "Origin": self._at()}
        async with self._session.ws_connect(self._address("ws"), headers=headers) as socket:
            async for message in socket:
                self._hear(message.data)

    async def _stream(self) -> None:
        async with self._session.get(self._address("sse"), headers={"Cookie": self._cookie}) as response:
            response.raise_for_status()
            async for line in response.content:
                # The last line of a broken answer has no end.
                if line.startswith(b'data: {"events"') and line.endswith(b"\n"):
                    self._hear(line.removeprefix(b"data: "))

    async def _long_poll(self) -> None:
        while True:
            await self._poll_once("&wait=25")

    async def _poll(self) -> None:
        while True:
            await self._poll_once()
            await asyncio.sleep(0.25)

    async def _poll_once(self, wait: str = "&wait=0") -> None:
        async with self._session.get(self._address("poll", wait), headers={"Cookie": self._cookie}) as response:
            response.raise_for_status()
            self._hear(await response.read())

    def _hear(self, text: str | bytes) -> None:
        frame = json.loads(text)
        now = time.time()
        self.cursor = frame["cursor"]
        self.reset += frame["reset"]
        for event in frame["events"]:
            self.seqs.append(event["seq"])
            self.numbers.append(event["data"]["n"])
            self.delays.append(now - event["data"].get("sent", now))
        self.ready.set()
        self._news.set()

    async def until(self, number: int) -> None:
        """Return once the event with this number has arrived."""
        while number not in self.numbers:
            self._news.clear()
            await self._news.wait()

    def applied_all(self, count: int) -> bool:
        """Return whether exactly the events 1…count were applied, in order, each once."""
        return self.seqs == list(range(1, count + 1)) and not self.reset


def figures(committed: int, wanderers: Sequence[Wanderer]) -> str:
    """Return the clients' results in words."""
    delays = sorted(delay for wanderer in wanderers for delay in wanderer.delays)
    connections = sum(wanderer.connections for wanderer in wanderers)
    lost = sum(committed - len(wanderer.seqs) for wanderer in wanderers)
    return (
        f"{len(wanderers)} clients, {connections} connections, {committed} events, {lost} lost; delays: "
        f"p50 {delays[len(delays) // 2]:.3f} s, p99 {delays[len(delays) * 99 // 100]:.3f} s, worst {delays[-1]:.3f} s"
    )


async def wandering(wanderers: Sequence[Wanderer], happening: Callable[[], Any]) -> None:
    """Let all clients listen while something happens, and then read to the end."""
    until = asyncio.Event()
    tasks = [asyncio.create_task(wanderer.wander(until)) for wanderer in wanderers]
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(wanderer.ready.wait() for wanderer in wanderers))
        await happening()
        # The last commit takes one sweep at most to arrive.
        await asyncio.sleep(1.5)
    finally:
        until.set()
    await asyncio.gather(*tasks)


def session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**20
    )
