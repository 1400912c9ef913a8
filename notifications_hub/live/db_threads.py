"""Database access from the event loop, on a few threads of our own.

`database_sync_to_async` runs all of a process's queries on one thread, so one slow query would delay every connection.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from django.db import connections

from notifications_hub.database.pooling import release_connections
from notifications_hub.database.reconnect import run_with_reconnect
from notifications_hub.live.batching import Batcher, Many
from notifications_hub.telemetry import measures
from notifications_hub.web.site_paths import use_script_name

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_SECONDS = 0.5

log = logging.getLogger(__name__)


class Database:
    """Threads that run functions using the ORM.

    A database connection stays open between calls unless it belongs to a pool. A broken one is replaced once.
    """

    def __init__(self, name: str = "hub", threads: int = 4) -> None:
        self._threads = threads
        self._wait, self._time = (one.labels(name) for one in (measures.database_wait, measures.database_time))
        self._executor = ThreadPoolExecutor(threads, "hub-database", use_script_name)
        self._batchers: dict[tuple[Callable[..., Any], str], Batcher[Any, Any]] = {}

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        asked = time.perf_counter()
        return await loop.run_in_executor(self._executor, lambda: self._measured(asked, function, *args, **kwargs))

    def _measured(self, asked: float, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        self._wait.observe(time.perf_counter() - asked)
        with measures.timed(self._time):
            return _run(function, *args, **kwargs)

    async def in_time(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return the function's result, or None if it takes longer than `PATIENCE_SECONDS`.

        A call that has not begun by then never does. So callers of a store that hangs do not queue up behind it.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self(function, *args, **kwargs)
        except TimeoutError:
            return None

    async def batched(self, many: Many[A, T], request: A, *, lane: str = "") -> T:
        """Return `many`'s answer to this request, batched with others that arrive in the same lane.

        A lane waits only for its own batches, so urgent requests use a lane of their own.
        """
        if (many, lane) not in self._batchers:
            self._batchers[many, lane] = Batcher(self.__call__, many)
        answer: T = await self._batchers[many, lane].ask(request)
        return answer

    def close(self) -> None:
        """Wait for running calls, then close every thread's database connection."""
        # Without the barrier a quick thread could run two of these calls, and leave another's connection open.
        everyone = threading.Barrier(self._threads)
        for _ in range(self._threads):
            self._executor.submit(_close, everyone)
        self._executor.shutdown()


def _close(everyone: threading.Barrier) -> None:
    try:
        connections.close_all()
    finally:
        everyone.wait()


def _run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return run_with_reconnect(function, *args, **kwargs)
    finally:
        release_connections()
