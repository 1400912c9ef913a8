"""Transactions of other sessions that stay open: a backup's snapshot, a long import, a slow numberer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from django.db import connections, transaction

from notifications_hub.streams.snapshots import LONG_TRANSACTIONS
from tests.support.together import database_url


@contextmanager
def long_snapshot() -> Iterator[None]:
    """Keep a snapshot open, as `pg_dump` does. PostgreSQL then removes no row or index entry that it might see."""
    with psycopg.connect(database_url()) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute("SELECT count(*) FROM notifications_hub_event")
        yield


@contextmanager
def long_writer() -> Iterator[None]:
    """Keep a transaction open that has written something, as a long import does. It holds every `xmin` back."""
    with psycopg.connect(database_url()) as other:
        other.execute("CREATE TEMPORARY TABLE imported (id int)")
        other.execute("SELECT pg_current_xact_id()")
        yield


@contextmanager
def many_writers() -> Iterator[None]:
    """Keep several writing transactions open. Fewer than a question names one by one: other tests have some too."""
    with ExitStack() as writers:
        for _number in range(LONG_TRANSACTIONS // 2):
            writers.enter_context(long_writer())
        yield


@contextmanager
def uncommitted(function: Callable[[], object]) -> Iterator[None]:
    """Call a function in another session's transaction, and commit it after the block."""
    done, leave = threading.Event(), threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                function()
                done.set()
                leave.wait(60)
        finally:
            done.set()
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    assert done.wait(30)
    try:
        yield
    finally:
        leave.set()
        thread.join()
