"""Coroutines that are run in place until they have to wait: what need not wait costs no task.

Python 3.12 has this as `eager_start`. Until it first waits, such a coroutine runs in the task of whoever began it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator
from typing import Any


def begin(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Gives what is left to await, once, or None where the work is done. Raises what the work raises."""
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return _Rest(work, waits_for)


class _Rest:
    __slots__ = ("_waits_for", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], waits_for: object) -> None:
        self._work = work
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            # The future that the work waits for goes to the task as it came, and wakes it when it is done.
            yield self._waits_for
        except BaseException:  # cancelled, mostly: nobody else knows of the work, so it would never be tidied up
            self._work.close()
            raise
        yield from self._work.__await__()
