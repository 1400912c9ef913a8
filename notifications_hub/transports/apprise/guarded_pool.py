"""Threads for blocking calls that end at a deadline, and that do not let one slow service stop the others."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.transports.apprise.guard import Guard, guarded
from notifications_hub.transports.base import PutOff, TransportError

DEADLINE = 10.0
THREADS = 16
PER_SERVICE = 4
WAIT_SECONDS = 3.0
"""Seconds that a message waits for a thread. It is put off then, and its worker tries again."""
WAITING = 20
"""The number of messages that wait for one service. More are put off at once, or they would fill the worker's slots."""
PAUSE_SECONDS = (5.0, 15.0)

T = TypeVar("T")


class _Places(asyncio.Semaphore):
    """The threads that one service may still use, and the number of messages that wait for one."""

    waiting = 0


_ByService = WeakValueDictionary[str, _Places]


class GuardedPool:
    """Blocking calls in threads of their own, at most `PER_SERVICE` at once for each service."""

    def __init__(self, deadline: float | None = None) -> None:
        self._deadline = DEADLINE if deadline is None else deadline
        self._places: WeakKeyDictionary[asyncio.AbstractEventLoop, _ByService] = WeakKeyDictionary()

    async def run(self, service: str, guard: Guard, call: Callable[[], T]) -> T:
        """Return the call's result. Raise `PutOff` if no thread is free, and `TransportError` at the deadline."""
        started = time.monotonic()
        places = self._places_of(service)
        await self._enter(places)
        try:
            future = _threads().submit(_inside, guard, call)
        except RuntimeError:
            # The interpreter is shutting down.
            places.release()
            raise _busy() from None
        # A thread that goes on after the deadline keeps its place.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _future: _release(loop, places))
        return await self._result(future, guard, started)

    async def _enter(self, places: _Places) -> None:
        if places.waiting >= WAITING:
            raise _busy()
        places.waiting += 1
        try:
            await asyncio.wait_for(places.acquire(), min(WAIT_SECONDS, self._deadline))
        except TimeoutError:
            raise _busy() from None
        finally:
            places.waiting -= 1

    async def _result(self, future: Future[T], guard: Guard, started: float) -> T:
        left = self._deadline - (time.monotonic() - started)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), left)
        except TimeoutError:
            if future.cancel():
                raise _busy() from None
            raise TransportError(DeliveryReason.of(ReasonCode.NO_ANSWER, seconds=f"{self._deadline:g}")) from None
        finally:
            # A thread cannot be stopped, but it ends once its connections do.
            guard.cut_off()

    def _places_of(self, service: str) -> _Places:
        loop = asyncio.get_running_loop()
        of_loop = self._places.setdefault(loop, WeakValueDictionary())
        places = of_loop.get(service)
        if places is None:
            places = of_loop[service] = _Places(PER_SERVICE)
        return places


def _release(loop: asyncio.AbstractEventLoop, places: _Places) -> None:
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(places.release)


def _inside(guard: Guard, call: Callable[[], T]) -> T:
    with guarded(guard):
        return call()


def _busy() -> PutOff:
    return PutOff(DeliveryReason(ReasonCode.SERVICE_BUSY), retry_after=random.uniform(*PAUSE_SECONDS))  # noqa: S311 -- a pause is not a secret


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="hub-apprise")


# A forked process has the pool but not its threads.
os.register_at_fork(after_in_child=_threads.cache_clear)
