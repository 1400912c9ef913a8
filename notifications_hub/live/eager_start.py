"""Coroutines that run in place until they have to wait. A coroutine that never waits costs no task.

Python 3.12 has this as `eager_start`. Here the coroutine runs in its caller's task, which must stay with it to the
end. Otherwise code that asks for its task (`asyncio.timeout`, a task group) or resets a context variable would affect
unrelated work. `in_turn` runs many such coroutines one after another in one task. The first one that has to wait keeps
that task, and the others go on in a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Iterable, Iterator
from functools import partial
from types import coroutine
from typing import Any

AT_A_TIME = 100
"""Steps to run before yielding to the event loop, which is when frames leave."""

_CANCELLATIONS = 10
_CANCEL_SECONDS = 0.5

Step = Callable[[], Awaitable[None] | None]
"""A function that begins some work, and returns the rest of it to await, or None."""

_running: set[asyncio.Task[None]] = set()


def begin(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Run the coroutine until it waits. Return the rest, to await once in this task, or None if it is done.

    Raise what the coroutine raises.
    """
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return _go_on(work, waits_for)


@coroutine
def _go_on(work: Coroutine[Any, Any, None], waits_for: object) -> Generator[Any, Any, None]:
    # Does what a task does for `await`, from the second step on: passes results and exceptions into the coroutine.
    while True:
        try:
            result = yield waits_for
        except BaseException as error:  # noqa: BLE001 -- the coroutine's own `except` must see it
            go_on = partial(work.throw, error)
        else:
            go_on = partial(work.send, result)
        try:
            waits_for = go_on()
        except StopIteration:
            return


async def in_turn(steps: Iterable[Step]) -> None:
    """Begin the steps in order. Return once all have begun, though some may not have ended."""
    begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    start(_run(iter(steps), begun))
    await begun


def start(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a background task. Keep a reference, because the event loop holds only a weak one."""
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
    except BaseException:  # a fault or a cancellation of one step must not reach the others
        start(_run(steps, begun))
        raise
    start(_run(steps, begun))
    await rest


async def cancel_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended.

    `channels_redis.core` may swallow a cancellation during its clean-up, so tasks are cancelled repeatedly.
    """
    for _ in range(_CANCELLATIONS):
        pending = [task for task in tasks if not task.done()]
        if not pending:
            return
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
