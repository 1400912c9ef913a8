"""SSE only: the end of a stream must not wait for a client that does not read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from notifications_hub.live import sse
from notifications_hub.live.admission import ConnectionRequest
from notifications_hub.live.asgi_exchange import Exchange
from notifications_hub.live.close_codes import TOO_SLOW
from notifications_hub.live.connection import Connection
from notifications_hub.live.visitor import Credential, Visitor


class Client:
    """A client that reads until it stops, and never disconnects."""

    def __init__(self) -> None:
        self.received = ""
        self.reads = asyncio.Event()
        self.reads.set()
        self.held: list[Connection] = []

    async def receive(self) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.reads.wait()
        self.received += message.get("body", b"").decode()

    def stream(self) -> asyncio.Task[None]:
        hub, admitted = cast("Any", SimpleNamespace(log=None, holding=self._holding)), cast("Any", ADMITTED)
        stream = sse._Stream(hub, Exchange({}, self.receive, cast("Any", self.send), "sse"))
        return asyncio.create_task(stream.run(ConnectionRequest(["inbox"], None), admitted))

    @contextmanager
    def _holding(self, connection: Connection) -> Iterator[None]:
        self.held.append(connection)
        yield
        self.held.remove(connection)


VISITOR = Visitor(cast("Any", SimpleNamespace(pk=1, is_authenticated=True)), Credential("key"), seconds_left=9)
ADMITTED = SimpleNamespace(visitor=VISITOR, names=["inbox"], topics=["inbox.1"])


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(sse, "CLOSE_SECONDS", 0.05)


async def test_a_client_that_reads_gets_the_reason_before_its_stream_ends() -> None:
    client = Client()
    stream = client.stream()
    async with asyncio.timeout(10):
        while client.received.count(":\n\n") < 2:  # noqa: ASYNC110 -- nothing tells of a heartbeat
            await asyncio.sleep(0.01)
    client.held[0].end(TOO_SLOW)
    await asyncio.wait_for(stream, 10)
    assert client.received.endswith('event: close\ndata: {"code": 4408, "reason": "too slow"}\n\n')


async def test_a_stream_ends_even_if_its_client_does_not_read() -> None:
    client = Client()
    stream = client.stream()
    await asyncio.sleep(0)
    client.reads.clear()
    # Long enough for a heartbeat to be waiting.
    await asyncio.sleep(0.05)
    client.held[0].end(TOO_SLOW)
    await asyncio.wait_for(stream, 10)
    assert client.held == []
    assert "event: close" not in client.received
