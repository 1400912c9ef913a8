"""A queue of the threads that want to write to one file."""

from __future__ import annotations

import os
import threading
from collections import deque


class WriterQueue:
    """A lock that is handed over in the order of arrival, so that nobody waits longer than everyone before them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, seconds: float) -> bool:
        """Wait for the turn. Return False if it does not come within these seconds."""
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=seconds):
            return True
        with self._guard:
            if turn not in self._waiting:
                # It was handed over at the last moment.
                return True
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        """Hand the lock to the thread that has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False


_queues: dict[str, WriterQueue] = {}
# The threads of a parent do not exist in a forked child, so nobody there would release what they hold.
os.register_at_fork(after_in_child=_queues.clear)


def queue_of(name: str) -> WriterQueue:
    """Return this process's queue for a database file."""
    return _queues.setdefault(name, WriterQueue())
