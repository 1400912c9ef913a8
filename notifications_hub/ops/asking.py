"""Questions to parts that may hang: a stopped database answers no more, and raises no error either.

A question has one thread, so any number of callers cost one question, and a part that hangs holds one thread. Callers
wait for it within a bound. Its thread has connections of its own, outside any pool, which pages never wait for.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from notifications_hub.database.primary import hub_alias
from notifications_hub.database.reconnect import run_with_reconnect

T = TypeVar("T")

FRESH_SECONDS = 1.0
PATIENCE = 2.0
"""Seconds that a caller waits for an answer."""
KEEP_SECONDS = 60.0
_CONNECT_SECONDS = 2

log = logging.getLogger(__name__)


class Question(Generic[T]):
    """A question that is asked by one thread at most. Its answer serves all who ask within `fresh` seconds.

    The answer is None if `ask` raised, which is logged, or if there is none in time. The thread and its connection end
    `keep` seconds after the last question.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[], T],
        *,
        fresh: float = FRESH_SECONDS,
        patience: float = PATIENCE,
        keep: float = KEEP_SECONDS,
    ) -> None:
        self._name = name
        self._ask = ask
        self._fresh = fresh
        self._patience = patience
        self._keep = keep
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # After a fork: it copies no threads.
        self._lock = threading.Lock()
        self._wanted: queue.SimpleQueue[Future[T | None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._asked: Future[T | None] | None = None
        self._asked_at = 0.0

    def end(self) -> None:
        """End the thread, and its connection, once it has answered. The next caller asks anew."""
        thread = self._thread
        if thread is not None:
            self._wanted.put(None)
            thread.join()
        self._forget()

    def begin(self) -> None:
        """Ask, unless there is a fresh answer or the question is being asked. Do not wait."""
        self._begin()

    def answer(self) -> T | None:
        """Return the answer. The calling thread waits."""
        future, left = self._begin()
        try:
            return future.result(left)
        except TimeoutError:
            return None

    async def answer_async(self) -> T | None:
        """Return the answer. No thread waits."""
        future, left = self._begin()
        if not future.done() and left > 0:
            await asyncio.wait([asyncio.wrap_future(future)], timeout=left)
        return future.result() if future.done() else None

    def _begin(self) -> tuple[Future[T | None], float]:
        with self._lock:
            now = time.monotonic()
            if self._asked is None or (self._asked.done() and now - self._asked_at >= self._fresh):
                self._asked, self._asked_at = Future(), now
                self._wanted.put(self._asked)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name=f"hub-ask-{self._name}", daemon=True)
                    self._thread.start()
            return self._asked, max(0.0, self._asked_at + self._patience - now)

    def _run(self) -> None:
        connections[hub_alias()] = unpooled_connection()
        try:
            while (future := self._next()) is not None:
                future.set_result(self._result())
        finally:
            connections.close_all()

    def _next(self) -> Future[T | None] | None:
        try:
            return self._wanted.get(timeout=self._keep)
        except queue.Empty:
            with self._lock:
                # One may have been put since.
                if self._wanted.empty():
                    self._thread = None
                    return None
            return self._wanted.get()

    def _result(self) -> T | None:
        try:
            return run_with_reconnect(self._ask)
        except Exception:
            log.exception("No answer: %s", self._name)
            connections.close_all()
            return None


def unpooled_connection() -> BaseDatabaseWrapper:
    """Return a new connection to the hub's database that belongs to no pool and does not wait for long to connect."""
    alias = hub_alias()
    given = connections[alias].settings_dict
    options = {name: value for name, value in given["OPTIONS"].items() if name != "pool"}
    if connections[alias].vendor == "postgresql":
        options = {"connect_timeout": _CONNECT_SECONDS, **options}
    wrapper: BaseDatabaseWrapper = load_backend(given["ENGINE"]).DatabaseWrapper(
        {**copy.copy(given), "OPTIONS": options, "CONN_MAX_AGE": None}, alias
    )
    return wrapper
