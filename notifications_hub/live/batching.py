"""Batching of simultaneous requests: a crowd that connects or acknowledges at once costs one call per batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from notifications_hub.database.reconnect import CONNECTION_ERRORS

A = TypeVar("A")
T = TypeVar("T")

MOST = 500
"""Requests in a batch. A running batch cannot be interrupted, and its results are held in memory."""
CROWD = 10
GATHER_SECONDS = 0.05
"""Pause after a batch of `CROWD` requests or more. Each batch has a fixed cost, so the next one waits to grow."""

Many = Callable[[Sequence[A]], Sequence[T | Exception]]


class Batcher(Generic[A, T]):
    """A collector of requests. It passes them to `many`, which answers them in order.

    An answer that is an exception is raised in the caller of that request. Requests made in one turn of the event loop,
    or during a batch, form the next batch. If a batch fails, each of its requests is tried alone, so only the faulty
    one fails.
    """

    def __init__(self, run: Callable[[Many[A, T], Sequence[A]], Awaitable[Sequence[T | Exception]]], many: Many[A, T]):
        self._run = run
        self._many = many
        self._waiting: list[tuple[A, asyncio.Future[T]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, request: A) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                # A caller may have given up while the batch before hung.
                batch = [(request, future) for request, future in batch if not future.done()]
                if not batch:
                    continue
                answers = await self._answers([request for request, _future in batch])
                for (_request, future), answer in zip(batch, answers, strict=True):
                    _settle(future, answer)
                if len(batch) >= CROWD:
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            self._working = None
            for _request, future in self._waiting:
                future.cancel()

    async def _answers(self, requests: Sequence[A]) -> Sequence[T | Exception]:
        try:
            return await self._run(self._many, requests)
        except CONNECTION_ERRORS as away:
            return [away] * len(requests)
        except Exception as fault:  # noqa: BLE001 -- passed on to the caller
            if len(requests) == 1:
                return [fault]
        return [(await self._answers([request]))[0] for request in requests]


def _settle(future: asyncio.Future[T], answer: T | Exception) -> None:
    if future.done():
        return  # The caller was cancelled.
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
