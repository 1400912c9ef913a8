"""Ways to write an event, timed in turns on the same rows of the same table."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from statistics import median

from django.db import connection, transaction

from notifications_hub import publish, publish_many

MANY = 1000
SLICE_SECONDS = 0.25
_INSERT = "INSERT INTO notifications_hub_event (topic, kind, data, created) VALUES (%s, %s, %s, %s)"


def bare() -> None:
    """Do INSERT and COMMIT on Django's connection, without its ORM."""
    with transaction.atomic(), connection.cursor() as sql:
        sql.execute(_INSERT, ["bare", "tick", json.dumps({"t": 1}), datetime.now(UTC)])


def one() -> None:
    publish("bench", "tick", {"t": 1})


def many() -> None:
    publish_many([("bench", "tick", {"t": number}) for number in range(MANY)])


async def compare(turns: int, call: Callable[[Callable[[], None]], Awaitable[None]]) -> dict[str, float]:
    """Return events a second of each way, and the median share. Turns share the machine's other load evenly."""
    for way in (bare, one, many):
        await call(way)
    pairs = [(await _rate(bare, call), await _rate(one, call)) for _ in range(turns)]
    return {
        "bare": median(rate for rate, _ in pairs),
        "one": median(rate for _, rate in pairs),
        "share": median(mine / least for least, mine in pairs),
        "many": MANY * median([await _rate(many, call) for _ in range(turns)]),
    }


async def _rate(way: Callable[[], None], call: Callable[[Callable[[], None]], Awaitable[None]]) -> float:
    began, calls = time.monotonic(), 0
    while (took := time.monotonic() - began) < SLICE_SECONDS:
        await call(way)
        calls += 1
    return calls / took
