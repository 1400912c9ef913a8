"""Django's transactions on the hub's database, which need not be `default`."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic

from notifications_hub.database.primary import hub_alias


def atomic(*, savepoint: bool = True) -> Atomic:
    """Return a context manager. Use it immediately, because a router may decide differently each time."""
    return transaction.atomic(using=hub_alias(), savepoint=savepoint)


def is_manual() -> bool:
    """Return whether the caller turned autocommit off. Django then takes callbacks only within `atomic()`."""
    connection = get_connection()
    return not connection.in_atomic_block and not connection.get_autocommit()


def on_commit(function: Callable[[], object], *, robust: bool = False) -> None:
    transaction.on_commit(function, using=hub_alias(), robust=robust)


def get_connection() -> BaseDatabaseWrapper:
    connection: BaseDatabaseWrapper = transaction.get_connection(hub_alias())
    return connection
