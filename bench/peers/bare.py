"""The minimal ASGI application: it accepts a socket and sends nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any


async def application(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Mapping[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass
