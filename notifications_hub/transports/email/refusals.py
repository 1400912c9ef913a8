"""Tell a mail server that is set up wrongly from addresses that are gone, when it refuses them without a reason.

A server that may not relay answers a bare 550 for everybody, and another one for an address that does not exist. So an
address counts as gone once it was refused twice, if the server accepted more emails than it refused in between.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import count
from threading import Lock

REMEMBERED = 10_000
"""The most addresses whose first refusal is remembered."""
JUDGED_BY = 200
"""The most recent answers that are looked at."""


class Refusals:
    """The answers of a process's mail server. Threads of several event loops may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._number = count()
        self._first: OrderedDict[str, int] = OrderedDict()
        self._answers: deque[tuple[int, str]] = deque(maxlen=JUDGED_BY)

    def accepted(self) -> None:
        """Note that an email was accepted."""
        with self._lock:
            self._answers.append((next(self._number), ""))

    def is_gone(self, address: str) -> bool:
        """Note that an address was refused without a reason. Return whether it counts as gone by now."""
        with self._lock:
            number = next(self._number)
            first = self._first.setdefault(address, number)
            while len(self._first) > REMEMBERED:
                self._first.popitem(last=False)
            since = [refused for at, refused in self._answers if at > first and refused != address]
            self._answers.append((number, address))
            is_gone = since.count("") > len(set(since) - {""})
            if is_gone:
                del self._first[address]
        return is_gone
