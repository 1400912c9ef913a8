"""Database calls in steps: each statement waits for its turn, may fail, and is the last one if the process is killed.

A function runs in a greenlet of its own, which pauses before each statement. A transaction that is already open goes
on without a pause, except a writer's on PostgreSQL: there transactions overlap and commit in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from greenlet import GreenletExit, getcurrent, greenlet

from notifications_hub.live.batching import Batcher, Many

if TYPE_CHECKING:
    from tests.simulation.process import Process

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


class _Worker(greenlet):
    """A thread of the simulated process."""


def step() -> None:
    """Let others run before the next statement, also within a transaction."""
    worker = getcurrent()
    if isinstance(worker, _Worker) and worker.parent is not None:
        worker.parent.switch()


def _step_before_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    if not context["connection"].in_atomic_block:
        step()
    return execute(sql, params, many, context)


class Pool:
    """The connections of a world's threads. On SQLite all share one, since it has one writer anyway."""

    def __init__(self) -> None:
        self._usual = connections["default"]
        self._usual.execute_wrappers.append(_step_before_statement)
        if not self.overlaps:
            # Nobody pulls this machine's plug, and waiting for its disk would take most of the time.
            self._usual.cursor().execute("PRAGMA synchronous = OFF")
        self._spare: list[BaseDatabaseWrapper] = []
        self._all: list[BaseDatabaseWrapper] = []

    @property
    def overlaps(self) -> bool:
        """True if transactions can overlap on this database."""
        return bool(self._usual.vendor != "sqlite")

    @contextmanager
    def borrowed(self) -> Iterator[BaseDatabaseWrapper]:
        if self._usual.vendor == "sqlite":
            yield self._usual
            return
        own = self._spare.pop() if self._spare else self._made()
        try:
            yield own
        finally:
            self._spare.append(own)

    def _made(self) -> BaseDatabaseWrapper:
        made = self._usual.copy()
        made.execute_wrappers.append(_step_before_statement)
        self._all.append(made)
        return made

    def close(self) -> None:
        self._usual.execute_wrappers.remove(_step_before_statement)
        for made in self._all:
            made.close()


async def in_steps(process: Process, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a function as a thread of the process would. Raise `OperationalError` once the process is killed."""
    faults = process.world.faults
    with process.world.pool.borrowed() as own:
        worker = _thread(own, lambda: function(*args, **kwargs))
        act: Callable[[], Any] = worker.switch
        try:
            while True:
                await faults.pause()
                if not process.is_alive:
                    raise OperationalError("The process was killed.")
                with process.acting():
                    answer: T = act()
                if worker.dead:
                    await faults.pause()
                    return answer
                act = worker.switch
                if faults.happens(faults.rates.failed_statements):
                    act = _failing(worker)
        finally:
            if not worker.dead:
                with process.acting():
                    worker.throw(GreenletExit)


def _thread(own: BaseDatabaseWrapper, run: Callable[[], Any]) -> _Worker:
    """Return a worker whose models and cursors use this connection. Django keeps it in a context variable."""
    context = copy_context()
    context.run(connections.__setitem__, "default", own)
    worker = _Worker(run)
    worker.gr_context = context
    return worker


def _failing(worker: greenlet) -> Callable[[], Any]:
    return lambda: worker.throw(OperationalError("The simulated database did not answer."))


class Calls:
    """Stands in for `live.db_threads.Database`: real functions, step by step."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._batchers: dict[object, Batcher[Any, Any]] = {}

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await in_steps(self._process, function, *args, **kwargs)

    async def batched(self, many: Many[A, T], request: A, *, lane: str = "") -> T:
        if (many, lane) not in self._batchers:
            self._batchers[many, lane] = Batcher(self.__call__, many)
        answer: T = await self._batchers[many, lane].ask(request)
        return answer

    def close(self) -> None:
        pass
