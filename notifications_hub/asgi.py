"""One ASGI application for a site: its pages, its live connections, and what runs beside them.

application = live_application(get_asgi_application())
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.urls import Resolver404, resolve

from notifications_hub.conf import hub_settings
from notifications_hub.live.hub import start_hub, stop_hub
from notifications_hub.live.websocket import websocket
from notifications_hub.worker import WorkerThread

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

WEBSOCKET_NAME = "notifications_hub:live_ws"


def live_application(pages: Application) -> Application:
    """Wraps a Django ASGI application. The WebSocket's path is the host's own URL of that name, whatever its prefix."""
    beside = _Beside()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(beside, receive, send)
        elif scope["type"] == "websocket":
            beside.start()
            await (websocket if _is_live(scope["path"]) else _refuse)(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return application


class _Beside:
    """The hub and the embedded worker, started with the server or, where it has no lifespan, the first connection."""

    def __init__(self) -> None:
        self._worker: WorkerThread | None = None

    def start(self) -> None:
        start_hub()
        if self._worker is None and hub_settings.embedded_worker:
            self._worker = WorkerThread()

    async def stop(self) -> None:
        await stop_hub()
        if self._worker is not None:
            await asyncio.to_thread(self._worker.stop)
            self._worker = None


async def _lifespan(beside: _Beside, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "lifespan.startup":
        beside.start()
        await send({"type": "lifespan.startup.complete"})
    if message["type"] == "lifespan.shutdown":
        await beside.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _is_live(path: str) -> bool:
    try:
        return resolve(path).view_name == WEBSOCKET_NAME
    except Resolver404:
        return False


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})
