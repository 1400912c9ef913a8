"""Coroutines that are run in place until they have to wait."""

from __future__ import annotations

import asyncio

import pytest

from notifications_hub.live.eager import begin


class Work:
    """Waits as often as there are doors, and says how far it came."""

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


async def test_work_that_need_not_wait_is_done_at_once() -> None:
    work = Work(opened(), opened())
    assert begin(work.run()) is None
    assert (work.passed, work.tidied) == (2, True)


async def test_work_that_has_to_wait_goes_on_from_there_in_a_task() -> None:
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


async def test_a_turn_that_is_only_given_up_comes_back() -> None:
    rest = begin(asyncio.sleep(0))
    assert rest is not None
    await asyncio.wait_for(asyncio.ensure_future(rest), 1)


async def test_a_rest_that_is_cancelled_tidies_up() -> None:
    work = Work(asyncio.Event())
    rest = begin(work.run())
    assert rest is not None
    going_on = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    going_on.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going_on
    assert work.tidied


async def test_what_goes_wrong_is_raised_at_once_or_later() -> None:
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
