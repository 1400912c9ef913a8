"""A database connection that broke: the errors it raises, and one retry on a new connection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connections

from notifications_hub.database.pooling import is_pooled

P = ParamSpec("P")
T = TypeVar("T")

CONNECTION_ERRORS = (OperationalError, InterfaceError)
"""The errors raised if a database is unreachable, or if a connection broke while it was idle."""

log = logging.getLogger(__name__)


def run_with_reconnect(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the function's result. If an open connection turns out to be broken, call it once more on a new one."""
    may_be_stale = any(one.connection or is_pooled(one) for one in connections.all(initialized_only=True))
    try:
        return function(*args, **kwargs)
    except CONNECTION_ERRORS as error:
        if not may_be_stale or type(error.__cause__).__name__ == "PoolTimeout":
            # A server that does not answer would hold the caller up twice.
            raise
        log.info("Trying once more on a new database connection: %s", error)
        close_connections()
        return function(*args, **kwargs)


def close_connections() -> None:
    """Close this thread's connections, except those inside a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, for a log or a page."""
    return (str(error) or type(error).__name__).splitlines()[0]
