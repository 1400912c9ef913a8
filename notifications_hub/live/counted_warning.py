"""A warning that a crowd of clients may cause at once: one line in some seconds, with their number."""

from __future__ import annotations

import asyncio
import logging
import math
import time

SECONDS = 5.0
"""Least time between two lines."""


class CountedWarning:
    """Counts what it warns of. The first is logged at once; the others as a number in the next line, `SECONDS` later.

    `text` has a place for that number and one for the newest reason.
    """

    def __init__(self, log: logging.Logger, text: str) -> None:
        self._log = log
        self._text = text
        self._count = 0
        self._why = ""
        self._next_at = -math.inf

    def add(self, why: str) -> None:
        """Count one. Call this in an event loop."""
        self._count += 1
        self._why = why
        # An earlier loop may have ended before its timer.
        if time.monotonic() >= self._next_at:
            self._say()

    def _say(self) -> None:
        if self._count:
            self._log.warning(self._text, self._count, self._why)
            self._count, self._next_at = 0, time.monotonic() + SECONDS
            asyncio.get_running_loop().call_later(SECONDS, self._say)
