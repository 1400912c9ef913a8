"""The database connections of threads that serve no requests. Django cleans up only after requests."""

from __future__ import annotations

import os
import time

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

KEEP_SECONDS = 60.0
"""The age limit if `CONN_MAX_AGE` is 0, Django's default. Connecting for every read would cost more than the read."""

SERVER_CONNECTIONS = 10
"""The most connections that a server process uses at once, besides one for each page in progress.

The hub has seven threads, two of them for a cache in the database. One more each numbers events, runs the embedded
worker and looks up addresses.
"""
POOL_SIZE = 4
"""psycopg's default."""
LONGEST_POOL_WAIT = 10.0
"""Seconds that a request may wait for a connection. psycopg's default is 30."""


def release_connections() -> None:
    """Return this thread's pooled connections to their pool, and close the others that are past their age."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block and (is_pooled(connection) or _is_old(connection)):
            connection.close()


def is_pooled(connection: BaseDatabaseWrapper) -> bool:
    return bool(connection.settings_dict["OPTIONS"].get("pool"))


def pool_size(connection: BaseDatabaseWrapper) -> int:
    """Return the most connections that the pool lends at once."""
    pool = connection.settings_dict["OPTIONS"]["pool"]
    given = {} if pool is True else pool
    return int(given.get("max_size") or given.get("min_size", POOL_SIZE))


def missing_timeouts(connection: BaseDatabaseWrapper) -> str:
    """Return the options without which a PostgreSQL that hangs holds each request for long, or an empty text.

    A statement timeout cannot help: the server itself would have to end the statement.
    """
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor != "postgresql" or "PGCONNECT_TIMEOUT" in os.environ or "service" in options:
        return ""
    missing = [] if options.get("connect_timeout") else ['"connect_timeout": 3']
    pool = options.get("pool")
    if pool and float((pool if isinstance(pool, dict) else {}).get("timeout", 30)) > LONGEST_POOL_WAIT:
        missing.append('"pool": {"timeout": 5, …}')
    return ", ".join(missing)


def _is_old(connection: BaseDatabaseWrapper) -> bool:
    if connection.close_at is None:
        return False
    grace = 0 if connection.settings_dict["CONN_MAX_AGE"] else KEEP_SECONDS
    return time.monotonic() >= connection.close_at + grace
