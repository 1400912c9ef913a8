"""The frames that `hub_serve` writes to sockets, read by a client of the `websockets` package."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.server import ServerProtocol

from notifications_hub.ops.web_server import DeadlineProtocol, SharedFrameProtocol

TEXTS = ["", "a", "é" * 60, "x" * 125, "x" * 126, "x" * 65_535, "x" * 65_536, "通知" * 40_000]
LONG = "x" * 100_000
FAR_MORE_THAN_BUFFERS = 1000
"""A number of `LONG` texts. The kernel and the client hold a few megabytes."""


class Application:
    """An ASGI application that accepts one socket and keeps its `send`."""

    def __init__(self) -> None:
        self.send: Any = None
        self.received: list[str] = []
        self.over = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self.send = send
        while (message := await receive())["type"] != "websocket.disconnect":
            self.received.append(message["text"])
        self.over.set()


@asynccontextmanager
async def opened(application: Application) -> AsyncIterator[ClientConnection]:
    config = Config(
        application, http=DeadlineProtocol, ws=SharedFrameProtocol,
        ws_per_message_deflate=False, log_config=None, interface="asgi3",
    )  # fmt: skip
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: DeadlineProtocol(config, state, {}), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, max_size=None, max_queue=1) as client:
            await client.ping()
            yield client
    finally:
        server.close()


async def test_texts_of_every_length_arrive_as_they_were_sent() -> None:
    application = Application()
    async with opened(application) as client:
        for text in TEXTS:
            await application.send({"type": "websocket.send", "text": text})
        assert [await client.recv() for _ in TEXTS] == TEXTS


async def test_texts_and_other_messages_keep_their_order() -> None:
    application = Application()
    async with opened(application) as client:
        await application.send({"type": "websocket.send", "text": "one"})
        await application.send({"type": "websocket.send", "bytes": b"two"})
        await application.send({"type": "websocket.send", "text": "three"})
        await application.send({"type": "websocket.close", "code": 4401, "reason": "over"})
        assert [await client.recv() for _ in range(3)] == ["one", b"two", "three"]
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (4401, "over")


async def test_a_sender_waits_for_a_client_that_does_not_read() -> None:
    application = Application()

    async def send_all() -> None:
        for _ in range(FAR_MORE_THAN_BUFFERS):
            await application.send({"type": "websocket.send", "text": LONG})

    async with opened(application) as client:
        sending = asyncio.create_task(send_all())
        await asyncio.wait([sending], timeout=1)
        assert not sending.done()
        for _ in range(FAR_MORE_THAN_BUFFERS):
            assert await client.recv() == LONG
        await sending


async def test_nothing_can_be_sent_after_the_close_or_to_a_client_that_left() -> None:
    application = Application()
    async with opened(application) as client:
        await application.send({"type": "websocket.close", "code": 4401})
        with pytest.raises(RuntimeError):
            await application.send({"type": "websocket.send", "text": "late"})
        await client.wait_closed()
    async with opened(application) as client:
        await client.close()
        with pytest.raises(OSError):  # noqa: PT011 -- uvicorn's own, which the hub expects
            await application.send({"type": "websocket.send", "text": "late"})


@pytest.mark.parametrize("pieces", [b"\xc3", [b"\xc3", b"(", b""]], ids=["whole", "in pieces"])
async def test_a_text_of_broken_characters_closes_the_socket_and_logs_nothing(
    pieces: bytes | list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    application = Application()
    async with opened(application) as client:
        await client.send(pieces, text=True)
        await client.wait_closed()
        assert client.close_code == 1007
        await asyncio.wait_for(application.over.wait(), 20)
    assert application.received == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_characters_that_are_cut_by_pieces_arrive_whole() -> None:
    application = Application()
    async with opened(application) as client:
        await client.send([b"\xc3", b"\xa9"], text=True)
        await client.close()
        await asyncio.wait_for(application.over.wait(), 20)
    assert application.received == ["é"]


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held() -> list[str]:
    """Return the names of the server's objects for sockets that are in memory."""
    kinds = (DeadlineProtocol, SharedFrameProtocol, ServerProtocol)
    return sorted(type(one).__name__ for one in gc.get_objects() if type(one) in kinds)


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("code", [1000, 4401, None], ids=["client closes", "server closes", "client vanishes"])
async def test_nothing_of_a_closed_socket_waits_for_the_garbage_collector(code: int | None) -> None:
    """T46: it looks at long-lived objects so rarely that a busy process would grow for hours."""
    application = Application()
    async with opened(application) as client:
        assert held() == ["ServerProtocol", "SharedFrameProtocol"]
        if code is None:
            client.transport.abort()
        elif code == 1000:
            await client.close()
        else:
            await application.send({"type": "websocket.close", "code": code})
    application.send = None
    async with asyncio.timeout(20):
        while held():  # noqa: ASYNC110 -- nothing tells that memory was freed
            await asyncio.sleep(0.05)
