"""Database access from a transport's coroutines. One thread serves a whole process, so query rarely and in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from notifications_hub.database.pooling import release_connections
from notifications_hub.database.reconnect import close_connections, run_with_reconnect
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.transports.base import TransportError

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the ORM. Raise `TransportError` if the database cannot be reached.

    A connection that broke while it was idle is replaced once.
    """
    try:
        return await sync_to_async(_run)(function, *args, **kwargs)
    except DatabaseError as error:
        raise TransportError(DeliveryReason(ReasonCode.DATABASE_AWAY)) from error


async def close_idle_connections() -> None:
    """Close the connections of the thread of `in_database`. No request ends there, so Django would never close them."""
    await sync_to_async(close_connections)()


def _run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return run_with_reconnect(function, *args, **kwargs)
    finally:
        release_connections()
