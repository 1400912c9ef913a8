"""The database connections of threads that serve no requests, after which Django would look after them."""

from __future__ import annotations

import time

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

KEEP_SECONDS = 60.0
"""Where `CONN_MAX_AGE` is 0, Django's default. Connecting for every look at the log would cost more than the look."""

OF_ONE_SERVER = 10
"""Connections that a server's process uses at once at most, beside one for each page that is being made.

Seven threads of the hub, two of them for a cache in the database. One each numbers events, runs the embedded worker and
looks up addresses.
"""
POOL_SIZE = 4
"""psycopg's default."""


def give_back() -> None:
    """Return this thread's connections to their pool, and close those of no pool that are past their age."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block and (is_pooled(connection) or _is_old(connection)):
            connection.close()


def is_pooled(connection: BaseDatabaseWrapper) -> bool:
    return bool(connection.settings_dict["OPTIONS"].get("pool"))


def pool_size(connection: BaseDatabaseWrapper) -> int:
    """Return how many connections the pool lends at once."""
    pool = connection.settings_dict["OPTIONS"]["pool"]
    given = {} if pool is True else pool
    return int(given.get("max_size") or given.get("min_size", POOL_SIZE))


def _is_old(connection: BaseDatabaseWrapper) -> bool:
    if connection.close_at is None:
        return False
    grace = 0 if connection.settings_dict["CONN_MAX_AGE"] else KEEP_SECONDS
    return time.monotonic() >= connection.close_at + grace
