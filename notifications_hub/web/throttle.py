"""Rate limits, counted in Django's cache, so that all processes of a site count together.

A rate is written "10/m": at most ten in each minute by the clock. At the edge of two windows twice as many may pass.
Only a cache that counts atomically (Redis, or `CountingDatabaseCache`) enforces a rate against parallel requests.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from functools import cache as remembered
from math import ceil

from django.http import HttpRequest
from django.utils.translation import ngettext

from notifications_hub.cache_keys import cache_key
from notifications_hub.guarded_cache import cache, level_of
from notifications_hub.telemetry import measures
from notifications_hub.web.client_ip import counted_as

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RATE = re.compile(r"([1-9]\d*)/(\d*)([smhd])", re.ASCII)
_MINUTES_FROM = 120
"""Waits of this many seconds or more are shown in minutes."""

_OWN_LIMITS = ("api", "live", "service")
"""The first words of the hub's own names. A host's may hold what a client sent, so metrics have one label for them."""

log = logging.getLogger(__name__)


class TooMany(Exception):
    """Raised for a person who has used up a rate. The text is for them, and after `seconds` they may try again."""

    def __init__(self, seconds: int, words: str = "") -> None:
        super().__init__(words or wait_in_words(seconds))
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Rate:
    most: int
    seconds: int


@remembered
def parse(text: str) -> Rate | None:
    """Return the rate, or None for an empty text, which sets no limit. Raise `ValueError` for any other text."""
    if not text:
        return None
    match = _RATE.fullmatch(text)
    if match is None or match[2] == "0":
        raise ValueError(f"{text!r} is not a rate. Write '10/m' or '5/10m': a number and s, m, h or d.")
    return Rate(int(match[1]), int(match[2] or 1) * _SECONDS[match[3]])


def check_rate(name: str, text: str) -> int:
    """Count one request under this name. Return 0, or the seconds to wait if its rate is used up.

    `text` is the rate, like `"10/m"` or `"5/10m"`: at most so many in each window of the clock. An empty text sets no
    limit. If the cache is unreachable, no request is refused.
    """
    rate = parse(text)
    if rate is None:
        return 0
    left = rate.seconds - time.time() % rate.seconds
    try:
        count = _count(cache_key("throttle", name, rate.seconds), left)
    except Exception as error:  # noqa: BLE001 -- no error of a cache may cost anyone their page
        log.log(level_of(error), "Requests could not be counted: %s", error)
        return 0
    if count <= rate.most:
        return 0
    limit = name.partition(":")[0]
    measures.rate_limited.labels(limit if limit in _OWN_LIMITS else "site").inc()
    return ceil(left)


def require_rate(name: str, text: str) -> None:
    """Count one request as `check_rate()` does. Raise `TooMany` if its rate is used up."""
    if seconds := check_rate(name, text):
        raise TooMany(seconds)


def _count(key: str, left: float) -> int:
    """Increment a key that expires with its window, and return it. Each name has one key, which cannot fill a cache."""
    # A second too early is better than too late, so that nobody who waited as asked is refused again. A cache in the
    # database keeps whole seconds, and the last second is still valid.
    timeout = max(1, int(left) - 1)
    for _ in range(2):
        try:
            count = int(cache.incr(key))
        except ValueError:
            # The first of a window. If two arrive at the same moment, one adds the key and the other increments it.
            if cache.add(key, 1, timeout):
                return 1
            continue
        if count == 1:
            # The key expired during the call, and Redis created it again without an expiry.
            cache.touch(key, timeout)
        return count
    return 0


def throttle_key(request: HttpRequest) -> str:
    """Return the name by which the client's address is counted."""
    return counted_as(request.META.get("REMOTE_ADDR", "")) or "unknown"


def wait_in_words(seconds: int) -> str:
    """Return a sentence for people that says how long to wait."""
    if seconds < _MINUTES_FROM:
        text = ngettext(
            "Too many requests. Try again in %(number)d second.",
            "Too many requests. Try again in %(number)d seconds.",
            seconds,
        )
        return text % {"number": seconds}
    minutes = ceil(seconds / 60)
    text = ngettext(
        "Too many requests. Try again in %(number)d minute.",
        "Too many requests. Try again in %(number)d minutes.",
        minutes,
    )
    return text % {"number": minutes}
