"""Django's default cache behind a circuit breaker: after it has failed it is left alone for seconds at a time.

A Redis whose packets are dropped fails only after its timeout. Without the breaker each page, and each notification,
would wait that long. While it is open a call raises `CacheAway` at once; every caller here does without the cache.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache as django_cache
from django.db.transaction import TransactionManagementError

PAUSE_SECONDS = 5.0

log = logging.getLogger(__name__)

_OF_THE_CALLER = (ValueError, TypeError, TransactionManagementError)
"""Errors of one call, which say nothing about the cache: `incr` of a missing key, or a value that it cannot keep."""


class CacheAway(Exception):
    """Raised at once, without asking, because the cache has just failed."""

    def __init__(self) -> None:
        super().__init__("the cache failed a moment ago")


def level_of(error: Exception) -> int:
    """Return the level at which a caller logs an error of the cache. While the breaker is open, it has been logged."""
    return logging.DEBUG if isinstance(error, CacheAway) else logging.WARNING


class _Breaker:
    """Decides whether the cache may be asked. After a pause one caller tries it, and the others go on without."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed_again_at: float | None = None

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._enter()
        try:
            answer = function(*args, **kwargs)
        except _OF_THE_CALLER:
            self._answered()
            raise
        except Exception as error:
            self._failed(error)
            raise
        self._answered()
        return answer

    def forget(self) -> None:
        self._closed_again_at = None

    def _enter(self) -> None:
        if self._closed_again_at is None:
            return
        with self._lock:
            now = time.monotonic()
            if self._closed_again_at is not None:
                if now < self._closed_again_at:
                    raise CacheAway
                self._closed_again_at = now + PAUSE_SECONDS

    def _failed(self, error: Exception) -> None:
        with self._lock:
            is_new, self._closed_again_at = self._closed_again_at is None, time.monotonic() + PAUSE_SECONDS
        if is_new:
            log.warning("The cache failed, and is left alone for %g s at a time: %s", PAUSE_SECONDS, error)

    def _answered(self) -> None:
        if self._closed_again_at is None:
            return
        with self._lock:
            was_open, self._closed_again_at = self._closed_again_at is not None, None
        if was_open:
            log.info("The cache answers again")


_breaker = _Breaker()


def forget_failures() -> None:
    """Ask the cache again at once, even if it failed before. For tests."""
    _breaker.forget()


class _GuardedCache:
    """The methods of Django's default cache, each behind the breaker."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(django_cache, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            return _breaker.call(method, *args, **kwargs)

        return guarded


cache = _GuardedCache()
