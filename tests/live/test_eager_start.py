"""Coroutines that run in place until they have to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from notifications_hub.live.eager_start import begin, cancel_all, in_turn


class Work:
    """A coroutine that waits at each door, and reports its progress."""

    def __init__(self, *doors: asyncio.Event) -> None:
        self.doors = doors
        self.passed = 0
        self.tidied = False

    async def run(self) -> None:
        try:
            for door in self.doors:
                await door.wait()
                self.passed += 1
        finally:
            self.tidied = True


def opened() -> asyncio.Event:
    door = asyncio.Event()
    door.set()
    return door


async def test_a_coroutine_that_does_not_wait_finishes_immediately() -> None:
    work = Work(opened(), opened())
    assert begin(work.run()) is None
    assert (work.passed, work.tidied) == (2, True)


async def test_a_coroutine_that_waits_continues_in_a_task() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    work = Work(opened(), first, opened(), second)
    rest = begin(work.run())
    assert rest is not None
    going_on = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    assert work.passed == 1
    first.set()
    second.set()
    await going_on
    assert (work.passed, work.tidied) == (4, True)


async def test_a_coroutine_that_only_yields_is_resumed() -> None:
    rest = begin(asyncio.sleep(0))
    assert rest is not None
    await asyncio.wait_for(asyncio.ensure_future(rest), 10)


async def test_a_cancelled_rest_cleans_up() -> None:
    work = Work(asyncio.Event())
    rest = begin(work.run())
    assert rest is not None
    going_on = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    going_on.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going_on
    assert work.tidied


async def test_an_exception_is_raised_immediately_or_later() -> None:
    async def fail(door: asyncio.Event) -> None:
        await door.wait()
        raise KeyError

    with pytest.raises(KeyError):
        begin(fail(opened()))
    door = asyncio.Event()
    rest = begin(fail(door))
    assert rest is not None
    door.set()
    with pytest.raises(KeyError):
        await rest


# Steps one after another, in tasks that stay with them

VARIABLE = ContextVar("VARIABLE", default="")


def step_of(work: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], Awaitable[None] | None]:
    return lambda: begin(work())


async def test_a_waiting_step_delays_no_other_and_begins_in_its_turn() -> None:
    begun: list[int] = []
    doors = [opened(), asyncio.Event(), opened(), asyncio.Event(), opened()]

    def step(number: int) -> Awaitable[None] | None:
        begun.append(number)
        return begin(works[number].run())

    works = [Work(door) for door in doors]
    await in_turn([lambda number=number: step(number) for number in range(5)])  # type: ignore[misc]
    assert begun == [0, 1, 2, 3, 4]
    assert [work.passed for work in works] == [1, 0, 1, 0, 1]
    for door in doors:
        door.set()
    await asyncio.sleep(0.01)
    assert [work.passed for work in works] == [1] * 5


async def test_a_timeout_belongs_to_the_coroutine_and_not_to_its_caller() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(5)
        except TimeoutError:
            ended.append("timeout")

    await in_turn([step_of(work), step_of(work)])
    await asyncio.sleep(0.1)
    assert ended == ["timeout", "timeout"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_coroutine_keeps_one_task_and_one_context() -> None:
    same: list[bool] = []

    async def work() -> None:
        token, task = VARIABLE.set("inside"), asyncio.current_task()
        await asyncio.sleep(0)
        same.append(asyncio.current_task() is task and VARIABLE.get() == "inside")
        VARIABLE.reset(token)

    await in_turn([step_of(work)] * 3)
    await asyncio.sleep(0.01)
    assert same == [True] * 3
    assert VARIABLE.get() == ""


async def test_a_failed_future_raises_where_the_coroutine_waits() -> None:
    drained = asyncio.get_running_loop().create_future()
    caught: list[BaseException] = []

    async def work() -> None:
        try:
            await drained
        except ConnectionResetError as error:
            caught.append(error)

    await in_turn([step_of(work)])
    drained.set_exception(ConnectionResetError())
    await asyncio.sleep(0.01)
    assert [type(error) for error in caught] == [ConnectionResetError]


@pytest.mark.parametrize("fault", [KeyError(), asyncio.CancelledError()])
async def test_a_failing_step_does_not_stop_the_others(fault: BaseException) -> None:
    async def fail() -> None:
        raise fault

    last = Work(opened())
    with pytest.MonkeyPatch.context() as patch:
        # An exception of a background task goes to the log.
        patch.setattr(asyncio.get_running_loop(), "call_exception_handler", lambda context: None)
        await in_turn([step_of(fail), step_of(last.run)])
    assert last.passed == 1


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    swallowed = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.sleep(60)

    tasks = [asyncio.create_task(stubborn())]
    await asyncio.sleep(0)
    await cancel_all(tasks)
    assert swallowed.is_set()
    assert tasks[0].cancelled()
