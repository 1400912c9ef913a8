"""The ASGI application of a site: its pages, its live connections, and the services that run beside them."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import get_script_prefix
from django.urls import Resolver404, resolve

from notifications_hub.conf import hub_settings
from notifications_hub.database.pooling import release_connections
from notifications_hub.delivery.worker import WorkerThread
from notifications_hub.live.asgi_exchange import Receive, Scope, Send
from notifications_hub.live.close_codes import MAX_CLIENT_FRAME
from notifications_hub.live.hub import Hub, current_hub, start_hub, stop_hub
from notifications_hub.live.poll import poll
from notifications_hub.live.sse import sse
from notifications_hub.live.websocket import websocket
from notifications_hub.ops.startup import refusal_at_start

Application = Callable[[Any, Any, Any], Awaitable[None]]

LONGEST_PATH = 500
"""Characters. No connection's path is longer."""

log = logging.getLogger(__name__)

_CONNECTIONS: dict[tuple[str, str], Application] = {
    ("websocket", "notifications_hub:live_ws"): websocket,
    ("http", "notifications_hub:live_sse"): sse,
    ("http", "notifications_hub:live_poll"): poll,
}


def with_connections(pages: Application) -> Application:
    """Wrap a site's ASGI application: Django's, or a router that also serves consumers of the host's own.

    Connections are recognised by their URL names, under any prefix. A site may wrap several parts of its application.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if not _services.may_serve:
            await _services.check()
        scope = _in_folder(scope)
        connection = _connection_at(scope)
        if connection is not None:
            _services.start()
            await connection(scope, receive, send)
        elif scope["type"] == "websocket":
            await _forward(pages, scope, receive, send)
        else:
            await pages(scope, receive, send)

    return application


async def _forward(pages: Application, scope: Scope, receive: Receive, send: Send) -> None:
    """Forward a socket that is not the hub's to the host's application. Refuse it if that does not accept it."""
    received = False

    async def noting_receive() -> Mapping[str, Any]:
        nonlocal received
        received = True
        return await receive()

    try:
        await pages(scope, noting_receive, send)
    except ValueError:
        # Django raises this for any socket, and a Channels router for a path without a route.
        if received:
            raise
        await _refuse(receive, send)


def _in_folder(scope: Scope) -> Scope:
    """Put `FORCE_SCRIPT_NAME` back if a proxy stripped it: ASGI expects it in the path.

    Django strips it by itself, but builds links to the requested page from the whole path.
    """
    folder = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
    if not folder:
        return scope
    is_there = f"{scope['path']}/".startswith(f"{folder}/")
    return {**scope, "path": scope["path"] if is_there else folder + scope["path"], "root_path": folder}


def _connection_at(scope: Scope) -> Application | None:
    # Resolving costs every page some microseconds, so only paths that look like a connection are resolved.
    if scope["type"] == "http" and not scope["path"].endswith(("/sse/", "/poll/")):
        return None
    path = scope["path"].removeprefix(get_script_prefix(scope))
    name = _name_of(path, settings.ROOT_URLCONF) if len(path) <= LONGEST_PATH else ""
    return _CONNECTIONS.get((scope["type"], name))


@lru_cache(maxsize=64)
def _name_of(path: str, urlconf: str) -> str:
    # Called for each handshake of a crowd. Strangers choose the paths, so the cache is small and excludes long ones.
    try:
        return resolve(path, urlconf).view_name
    except Resolver404:
        return ""


class _Services:
    """The hub and the embedded worker: one of each per process, even if several parts of the application are wrapped.

    They start with the server or, if it has no lifespan, with the first connection.
    """

    def __init__(self) -> None:
        self._worker: WorkerThread | None = None
        self.may_serve = False

    async def check(self) -> None:
        """Raise `ImproperlyConfigured` if the site must not be served. Without a lifespan, the first request checks."""
        if refusal := await sync_to_async(_refusal)():
            raise ImproperlyConfigured(refusal)
        self.may_serve = True

    def start(self) -> None:
        if current_hub() is None:
            _drain_on_signals(start_hub())
        if self._worker is None and hub_settings.embedded_worker:
            self._worker = WorkerThread()

    async def stop(self) -> None:
        try:
            await stop_hub()
        finally:
            if self._worker is not None:
                await asyncio.to_thread(self._worker.stop)
                self._worker = None


_services = _Services()


def _refusal() -> str:
    try:
        return refusal_at_start()
    finally:
        release_connections()


def _drain_on_signals(hub: Hub) -> None:
    """Drain the hub before the server's own signal handlers run: the server waits for open streams to end."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        server = signal.getsignal(number)
        if callable(server):
            signal.signal(number, partial(_drain_first, hub, server))


def _drain_first(hub: Hub, server: Callable[[int, Any], Any], number: int, frame: Any) -> None:
    hub.drain()
    server(number, frame)


async def _lifespan(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "lifespan.startup":
        try:
            await _services.check()
        except ImproperlyConfigured as refusal:
            await send({"type": "lifespan.startup.failed", "message": str(refusal)})
            return
        _services.start()
        _collect_less()
        _warn_of(send)
        await send({"type": "lifespan.startup.complete"})
    if message["type"] == "lifespan.shutdown":
        await _services.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _warn_of(send: Send) -> None:
    """Warn if uvicorn runs with its default WebSocket limits. They are found on the object that `send` is bound to."""
    config = getattr(getattr(send, "__self__", None), "config", None)
    if getattr(config, "ws_max_size", 0) > MAX_CLIENT_FRAME or getattr(config, "ws_per_message_deflate", False):
        log.warning(
            "This server accepts long or compressed WebSocket frames, so a few strangers could fill its memory. "
            "Start it with `manage.py hub_serve`, or with --ws-max-size %s --ws-per-message-deflate false.",
            MAX_CLIENT_FRAME,
        )


def _collect_less() -> None:
    # Objects made at startup stay, so the collector need not scan them again.
    gc.collect()
    gc.freeze()
    # The objects of open sockets stay, too. With Python's thresholds the collector scans all of them repeatedly while a
    # crowd connects, and the process stops meanwhile. Short-lived garbage is found as before. The cost: garbage of
    # long-lived sockets waits longer to be collected.
    gc.set_threshold(2_000, 100, 5)


async def _refuse(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})
