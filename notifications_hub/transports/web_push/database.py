"""Database access from a transport's coroutines. One thread serves a whole process, so query rarely and in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from notifications_hub.database.pooling import release_connections
from notifications_hub.database.reconnect import close_connections, run_with_reconnect

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the ORM. A connection that broke while it was idle is replaced once."""
    return await sync_to_async(_run)(function, *args, **kwargs)


async def close_idle_connections() -> None:
    """Close the connections of the thread of `in_database`. No request ends there, so Django would never close them."""
    await sync_to_async(close_connections)()


def _run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return run_with_reconnect(function, *args, **kwargs)
    finally:
        release_connections()
