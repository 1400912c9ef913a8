"""Ways to write an event, timed one after the other on the same rows of the same table."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection, transaction

from notifications_hub import publish, publish_many

MANY = 1000
_INSERT = "INSERT INTO notifications_hub_event (topic, kind, data, created) VALUES (%s, %s, %s, %s)"


def bare() -> None:
    """INSERT and COMMIT, by Django's connection and without its ORM."""
    with transaction.atomic(), connection.cursor() as sql:
        sql.execute(_INSERT, ["bare", "tick", json.dumps({"t": 1}), datetime.now(UTC)])


def one() -> None:
    publish("bench", "tick", {"t": 1})


def many() -> None:
    publish_many([("bench", "tick", {"t": number}) for number in range(MANY)])


WAYS: dict[str, tuple[Callable[[], None], int]] = {"bare": (bare, 1), "one": (one, 1), "many": (many, MANY)}
"""Each with how many events a call of it writes."""


def of(name: str, seconds: float) -> float:
    """Events a second, after a few that are not counted."""
    way, each = WAYS[name]
    for _ in range(3):
        way()
    began, calls = time.monotonic(), 0
    while (took := time.monotonic() - began) < seconds:
        way()
        calls += 1
    return calls * each / took
