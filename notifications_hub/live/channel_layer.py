"""The channel layer as a bus for hints between the hubs of several processes. Lossy by contract.

One group holds every hub. So opening or closing a connection costs the layer nothing, and an event for a thousand
people is one message. A hint carries no content; only ephemeral events, which are in no log, are sent whole.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any

from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer

from notifications_hub.telemetry import measures

GROUP = "notifications_hub"
STAY_SECONDS = 60.0
"""Interval at which a hub rejoins the group, in case Redis lost its data or the layer's groups expire."""
_TOPICS_PER_HINT = 500
_PAUSE_SECONDS = 5.0
_SEND_SECONDS = 2.0
_UNDER_WAY = 100
_GATHER_SECONDS = 0.005
_EXIT_SECONDS = 1.0
"""Longest time that an exiting process waits for its last hints to be sent."""
_NOBODY = f"{GROUP}.probe"
_UNTRACED: Mapping[str, str] = {}

log = logging.getLogger(__name__)


def shared_layer() -> BaseChannelLayer | None:
    """Return the layer shared with other processes, or None. The in-memory layer reaches only this process."""
    layer = get_channel_layer()
    return None if layer is None or isinstance(layer, InMemoryChannelLayer) else layer


class Layer:
    """The hub's end of the channel layer. Everything runs on one event loop.

    After a fault nothing is sent for some seconds, so that a dead Redis costs no time.
    """

    def __init__(self, on_message: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        self._layer = shared_layer()
        self._on_message = on_message
        self._channel = ""
        self._sending: set[asyncio.Task[None]] = set()
        self._silent_until = 0.0

    def hint(self, tops: Mapping[str, int], traces: Mapping[str, str] = _UNTRACED) -> None:
        # Pairs, because a reader's msgpack interns the keys of mappings. Many of them make CPython's table of interned
        # strings twice as large.
        pairs = iter(tops.items())
        while some := list(islice(pairs, _TOPICS_PER_HINT)):
            own = [(topic, traces[topic]) for topic, _top in some if topic in traces] if traces else None
            self._send({"type": "hub.hint", "tops": some} | ({"traces": own} if own else {}))

    def publish_ephemeral(self, topic: str, event: str) -> None:
        self._send({"type": "hub.ephemeral", "topic": topic, "event": event})

    async def listen(self) -> None:
        """Receive one message and pass it on. Called in a loop."""
        if self._layer is None or self._on_message is None:
            await asyncio.Event().wait()
            return
        if not self._channel:
            channel = await self._layer.new_channel()
            await self._layer.group_add(GROUP, channel)
            self._channel = channel
        message = await self._layer.receive(self._channel)
        if message.get("from") != self._channel:
            self._on_message(message)

    async def stay(self) -> None:
        """Rejoin the group after a while. Called in a loop: a layer forgets members that joined long ago."""
        expiry = max(1.0, getattr(self._layer, "group_expiry", math.inf))
        await asyncio.sleep(min(STAY_SECONDS, expiry / 3))
        if self._layer is not None and self._channel:
            await self._layer.group_add(GROUP, self._channel)

    def answers_within(self, seconds: float, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether the layer takes a message that no hub receives. Call it outside the layer's loop."""
        if self._layer is None:
            return True
        probing = asyncio.wait_for(self._layer.group_send(_NOBODY, {"type": "hub.probe"}), seconds)
        asyncio.run_coroutine_threadsafe(probing, loop).result(2 * seconds)
        return True

    async def sent(self) -> None:
        """Wait until every message under way has been sent."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def close(self) -> None:
        for task in self._sending:
            task.cancel()
        await self.sent()
        if self._layer is not None and self._channel:
            await self._leave(self._layer)

    async def _leave(self, layer: BaseChannelLayer) -> None:
        try:
            await asyncio.wait_for(layer.group_discard(GROUP, self._channel), _SEND_SECONDS)
        except Exception as error:  # noqa: BLE001 -- as below; a stopping hub must not wait for Redis
            log.warning("Could not leave the channel layer (%s); it will forget this hub in time", error)

    def _send(self, message: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        if self._layer is None:
            return
        if loop.time() < self._silent_until or len(self._sending) >= _UNDER_WAY:
            measures.dropped_hints.labels("away" if loop.time() < self._silent_until else "busy").inc()
            return
        task = loop.create_task(self._try(self._layer.group_send(GROUP, message | {"from": self._channel})))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _try(self, sending: Coroutine[Any, Any, None]) -> None:
        try:
            # `wait_for` would make another task for each message.
            async with asyncio.timeout(_SEND_SECONDS):
                await sending
        except Exception as error:  # noqa: BLE001 -- a layer may raise anything, and a lost hint is not an error
            measures.dropped_hints.labels("failed").inc()
            self._silent_until = asyncio.get_running_loop().time() + _PAUSE_SECONDS
            log.warning(
                "The channel layer did not accept a hint (%s); hubs will find new events by polling the log", error
            )


class BackgroundLayer:
    """The channel layer for a process without a hub (a worker, a shell), with a thread and an event loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="hub-hints", daemon=True).start()
        self._layer = Layer()
        self._lock = threading.Lock()
        self._tops: dict[str, int] = {}
        self._traces: dict[str, str] = {}
        self._is_due = False
        self._sent_at = 0.0

    def hint(self, tops: Mapping[str, int], traces: Mapping[str, str] = _UNTRACED) -> None:
        """Send a hint: at once, or together with others if the last was sent less than `_GATHER_SECONDS` ago."""
        with self._lock:
            for topic, top in tops.items():
                self._tops[topic] = max(top, self._tops.get(topic, 0))
            self._traces.update(traces)
            was_due, self._is_due = self._is_due, True
            wait = self._sent_at + _GATHER_SECONDS - time.monotonic()
        if not was_due and wait > 0:
            self._loop.call_soon_threadsafe(self._loop.call_later, wait, self._send_hints)
        elif not was_due:
            self._loop.call_soon_threadsafe(self._send_hints)
        self._finish_at_exit()

    def _send_hints(self) -> None:
        with self._lock:
            tops, self._tops = self._tops, {}
            traces, self._traces = self._traces, {}
            self._is_due, self._sent_at = False, time.monotonic()
        self._layer.hint(tops, traces)

    def layer_answers(self, seconds: float) -> bool:
        """Return whether the channel layer takes a message. The calling thread waits."""
        return self._layer.answers_within(seconds, self._loop)

    def publish_ephemeral(self, topic: str, event: str) -> None:
        self._loop.call_soon_threadsafe(self._layer.publish_ephemeral, topic, event)
        self._finish_at_exit()

    def _finish_at_exit(self) -> None:
        # The last events of a process are numbered while it exits, after `finish` has been called.
        if not threading.main_thread().is_alive():
            self.finish()

    def finish(self) -> None:
        """Wait up to `_EXIT_SECONDS` for messages that are still being sent."""
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._send_all(), self._loop).result(_EXIT_SECONDS)

    async def _send_all(self) -> None:
        self._send_hints()
        await self._layer.sent()


@cache
def background_layer() -> BackgroundLayer | None:
    return BackgroundLayer() if shared_layer() is not None else None


_of_parents: list[BackgroundLayer | None] = []


def _forget_parent() -> None:
    """Forget the parent's sender after a fork: its thread does not exist here. A new one is made when needed."""
    if _is_made():
        # Keep a reference: collecting it would close sockets and a selector that the parent still uses.
        _of_parents.append(background_layer())
        background_layer.cache_clear()


def _finish() -> None:
    if _is_made() and (one := background_layer()):
        one.finish()


def _is_made() -> bool:
    return background_layer.cache_info().currsize > 0


atexit.register(_finish)
os.register_at_fork(after_in_child=_forget_parent)
