"""Coroutines that are run in place until they have to wait: what need not wait costs no task.

Python 3.12 has this as `eager_start`. Here the work runs in the task of whoever begins it, so that must be a task that
stays with the work: code that asks for its task (`asyncio.timeout`, a task group) or resets a context variable would
otherwise reach somebody else. `in_turn` runs many such works one after the other in one task. The first that has to
wait keeps that task to its end, and the others go on in a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Iterable, Iterator
from functools import partial
from types import coroutine
from typing import Any

AT_A_TIME = 100
"""Steps before the event loop has its turn, which is when frames leave."""

_CANCELLATIONS = 10
_CANCEL_SECONDS = 0.5

Step = Callable[[], Awaitable[None] | None]
"""Begins some work, and returns what is left of it to await."""

_running: set[asyncio.Task[None]] = set()


def begin(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Return what is left to await in this task, once, or None if the work is done. Raise what the work raises."""
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return _go_on(work, waits_for)


@coroutine
def _go_on(work: Coroutine[Any, Any, None], waits_for: object) -> Generator[Any, Any, None]:
    # What a task does with `await`, from the second step on: results and exceptions go to where the work stands.
    while True:
        try:
            result = yield waits_for
        except BaseException as error:  # noqa: BLE001 -- the work's own `except` is to see it
            go_on = partial(work.throw, error)
        else:
            go_on = partial(work.send, result)
        try:
            waits_for = go_on()
        except StopIteration:
            return


async def in_turn(steps: Iterable[Step]) -> None:
    """Return once each step has begun, in their order, though some may not have ended."""
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    start(_run(iter(steps), begun))
    await begun


def start(work: Coroutine[Any, Any, None]) -> None:
    """Run it in a task that nobody waits for; the event loop itself would not keep it."""
    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)


async def _run(steps: Iterator[Step], begun: asyncio.Future[None]) -> None:
    rest: Awaitable[None] | None = None
    try:
        for count, step in enumerate(steps, start=1):
            rest = step()
            if rest is not None:
                break
            if count % AT_A_TIME == 0:
                await asyncio.sleep(0)
        else:
            if not begun.done():
                begun.set_result(None)
            return
    except BaseException:  # a fault of one step, or a cancellation, is not to reach the others
        start(_run(steps, begun))
        raise
    start(_run(steps, begun))
    await rest


async def cancel_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended.

    `channels_redis.core` may swallow a cancellation that meets it while it cleans up, so they are cancelled again.
    """
    for _ in range(_CANCELLATIONS):
        pending = [task for task in tasks if not task.done()]
        if not pending:
            return
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
