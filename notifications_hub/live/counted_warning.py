"""A warning that a crowd of clients may cause at once: one line in some seconds, with their number."""

from __future__ import annotations

import logging
import math
import time

SECONDS = 5.0
"""Least time between two lines."""


class CountedWarning:
    """Counts what it warns of. The first is logged at once; the others as a number in the next line.

    `text` has a place for that number and one for the newest reason.
    """

    def __init__(self, log: logging.Logger, text: str) -> None:
        self._log = log
        self._text = text
        self._count = 0
        self._next_at = -math.inf

    def add(self, why: str) -> None:
        self._count += 1
        now = time.monotonic()
        if now >= self._next_at:
            self._log.warning(self._text, self._count, why)
            self._count, self._next_at = 0, now + SECONDS
