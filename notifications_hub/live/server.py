"""The ASGI application of a site: its pages, its live connections, and the services that run beside them."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
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

from notifications_hub import request_ids
from notifications_hub.conf import hub_settings
from notifications_hub.database.pooling import release_connections
from notifications_hub.delivery.worker import WorkerThread
from notifications_hub.live import process_list
from notifications_hub.live.asgi_exchange import Receive, Scope, Send
from notifications_hub.live.cache_sharing import is_cache_shared
from notifications_hub.live.close_codes import MAX_CLIENT_FRAME
from notifications_hub.live.eager_start import cancel_all, start
from notifications_hub.live.hub import Hub, current_hub, start_hub, stop_hub
from notifications_hub.live.poll import poll
from notifications_hub.live.process_list import ListedProcess, server_of
from notifications_hub.live.sse import sse
from notifications_hub.live.websocket import websocket
from notifications_hub.ops import readiness
from notifications_hub.ops.startup import refusal_at_start

Application = Callable[[Any, Any, Any], Awaitable[None]]
SignalHandler = Callable[[Callable[[], object]], None]
"""A function that is called on SIGTERM and SIGINT, with the server's own handler to call."""

LONGEST_PATH = 500
"""Characters. No connection's path is longer."""

log = logging.getLogger(__name__)

_LAST_ANSWERS_SECONDS = 0.2

_REMEDIES = {
    "ws_max_size": f"--ws-max-size {MAX_CLIENT_FRAME} --ws-per-message-deflate false",
    "websocket_max_message_size": f"websocket_max_message_size = {MAX_CLIENT_FRAME} in its configuration file",
}
"""The option for the longest message, of uvicorn and of hypercorn, each with its remedy."""

_CONNECTIONS: dict[tuple[str, str], Application] = {
    ("websocket", "notifications_hub:live_ws"): websocket,
    ("http", "notifications_hub:live_sse"): sse,
    ("http", "notifications_hub:live_poll"): poll,
    ("http", "notifications_hub:readyz"): readiness.application,
}


_is_wrapped = False


def is_wrapped() -> bool:
    """Return whether this process has an application that serves connections. Import the site's asgi.py before."""
    return _is_wrapped


def with_connections(pages: Application) -> Application:
    """Wrap a site's ASGI application: Django's, or a router that also serves consumers of the host's own.

    Connections are recognised by their URL names, under any prefix. A site may wrap several parts of its application.
    """
    global _is_wrapped  # noqa: PLW0603 -- of this process
    _is_wrapped = True

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if not _services.may_serve:
            await _services.check()
            _services.start(send, has_lifespan=False)
        scope = _in_folder(scope)
        connection = _connection_at(scope)
        if connection is not None:
            _begin_request(scope)
            await connection(scope, receive, send)
        elif scope["type"] == "websocket":
            await _forward(pages, scope, receive, send)
        else:
            await pages(scope, receive, send)

    return application


def _begin_request(scope: Scope) -> None:
    """Give a connection the id of its request. It passes no middleware."""
    if request_ids.are_on():
        header = request_ids.HEADER.lower().encode()
        given = next((value.decode("latin1") for name, value in scope["headers"] if name.lower() == header), None)
        request_ids.begin_request(given)


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
    if scope["type"] == "http" and not scope["path"].endswith(("/sse/", "/poll/", "readyz")):
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

    They start with the server or, if it has no lifespan, with the first request.
    """

    def __init__(self) -> None:
        self._worker: WorkerThread | None = None
        self._listing: asyncio.Task[None] | None = None
        self.may_serve = False

    async def check(self) -> None:
        """Raise `ImproperlyConfigured` if the site must not be served. Without a lifespan, the first request checks."""
        if refusal := await sync_to_async(_refusal)():
            raise ImproperlyConfigured(refusal)
        self.may_serve = True

    def start(self, send: Send, *, has_lifespan: bool) -> None:
        if current_hub() is None:
            hub = start_hub()
            _precede_server(has_lifespan=has_lifespan)
            self._listing = asyncio.create_task(_stay_listed(hub, ListedProcess(server_of(send), has_lifespan)))
        if self._worker is None and hub_settings.embedded_worker:
            self._worker = WorkerThread()

    async def stop(self) -> None:
        listing, self._listing = self._listing, None
        if listing is not None:
            await cancel_all([listing])
        try:
            await stop_hub()
        finally:
            if self._worker is not None:
                await asyncio.to_thread(self._worker.stop)
                self._worker = None


async def _stay_listed(hub: Hub, process: ListedProcess) -> None:
    try:
        while is_cache_shared():
            await _cached(hub, process_list.enlist, process)
            await asyncio.sleep(process_list.REFRESH_SECONDS)
    finally:
        await _cached(hub, process_list.remove, process)


async def _cached(hub: Hub, work: Callable[[ListedProcess], None], process: ListedProcess) -> None:
    try:
        await hub.cache(work, process)
    except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and only the doctor reads this
        log.debug("The list of processes could not be written: %s", error)


_services = _Services()


def _refusal() -> str:
    try:
        return refusal_at_start()
    finally:
        release_connections()


def _precede_server(*, has_lifespan: bool) -> None:
    """Call the hub in place of the server's own signal handlers, and have it call those."""
    if threading.current_thread() is not threading.main_thread():
        return
    stop_first = partial(_stop_first, asyncio.get_running_loop())
    for number in (signal.SIGTERM, signal.SIGINT):
        server = signal.getsignal(number)
        if callable(server):
            signal.signal(number, partial(_on_signal, _drain_first if has_lifespan else stop_first, server))
        elif server is signal.SIG_DFL:
            # A worker of hypercorn, which would end at once.
            signal.signal(number, partial(_on_signal, stop_first, _end_process))


def _on_signal(on_signal: SignalHandler, server: Callable[[int, Any], object], number: int, frame: Any) -> None:
    on_signal(partial(server, number, frame))


def _end_process(number: int, frame: Any) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _drain_first(server: Callable[[], object]) -> None:
    """Drain the hub before the server stops: it waits for open streams to end."""
    if hub := current_hub():
        hub.drain()
    server()


def _stop_first(loop: asyncio.AbstractEventLoop, server: Callable[[], object]) -> None:
    """Stop the services before a server stops that reports its stop in no other way."""
    try:
        loop.call_soon_threadsafe(lambda: start(_stop_then(server)))
    except RuntimeError:  # the loop has ended
        server()


async def _stop_then(server: Callable[[], object]) -> None:
    try:
        await _services.stop()
        # The requests that have just ended still write their answers.
        await asyncio.sleep(_LAST_ANSWERS_SECONDS)
    finally:
        server()


async def _lifespan(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "lifespan.startup":
        try:
            await _services.check()
        except ImproperlyConfigured as refusal:
            await send({"type": "lifespan.startup.failed", "message": str(refusal)})
            return
        _services.start(send, has_lifespan=True)
        _collect_less()
        _warn_of(send)
        await send({"type": "lifespan.startup.complete"})
    if message["type"] == "lifespan.shutdown":
        await _services.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _warn_of(send: Send) -> None:
    """Warn if uvicorn or hypercorn runs with its default limits. They are found on the object `send` is bound to."""
    config = getattr(getattr(send, "__self__", None), "config", None)
    is_compressing = getattr(config, "ws_per_message_deflate", False)
    for limit, remedy in _REMEDIES.items():
        longest = getattr(config, limit, 0)
        if longest > MAX_CLIENT_FRAME or (longest and is_compressing):
            log.warning(
                "This server accepts long or compressed WebSocket frames, so a few strangers could fill its memory. "
                "Start it with `manage.py hub_serve`, or with %s.",
                remedy,
            )


def _collect_less() -> None:
    # Objects made at startup stay, so the collector need not scan them again.
    gc.collect()
    gc.freeze()
    # The objects of open sockets stay, too. With Python's thresholds the collector scans all of them repeatedly while a
    # crowd connects, and the process stops meanwhile. It looks at what is new after 20,000 new objects, which takes
    # milliseconds, and at everything after a million. The cost: garbage of long-lived objects waits for that.
    gc.set_threshold(2_000, 10, 50)


async def _refuse(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})
