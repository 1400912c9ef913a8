"""What many ask for at the same moment, asked once for all: a crowd that connects, a crowd that acknowledges."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from notifications_hub.database.reconnect import CONNECTION_ERRORS

A = TypeVar("A")
T = TypeVar("T")

MOST = 500
"""Requests in a batch: one that is under way is not interrupted, and what it found is held in memory."""
CROWD = 10
GATHER_SECONDS = 0.02
"""A batch costs something however few are in it: while a crowd comes, the next waits a moment for more of it."""

Many = Callable[[Sequence[A]], Sequence[T | Exception]]


class Batcher(Generic[A, T]):
    """`many` answers a batch in its order; an answer that is an exception is raised where it was asked for.

    What is asked within one turn of the event loop, or while a batch is under way, is the next batch. A fault of the
    batch itself stays with the request that causes it: each is then asked alone.
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
        except Exception as fault:  # noqa: BLE001 -- handed to whoever asked
            if len(requests) == 1:
                return [fault]
        return [(await self._answers([request]))[0] for request in requests]


def _settle(future: asyncio.Future[T], answer: T | Exception) -> None:
    if future.done():
        return  # Whoever asked has gone.
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
