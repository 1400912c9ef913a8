"""Threads that write to SQLite take turns, in the order of arrival."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from notifications_hub.database.sqlite.writer_queue import WriterQueue, queue_of
from tests.support.processes import wait_until

pytestmark = pytest.mark.django_db


def waiting(queue: WriterQueue) -> int:
    return len(queue._waiting)


def test_the_turn_is_handed_over_in_the_order_of_arrival() -> None:
    queue, order = WriterQueue(), list[int]()
    assert queue.acquire(1)

    def write(number: int) -> None:
        assert queue.acquire(20)
        order.append(number)
        queue.release()

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_until(lambda number=number: waiting(queue) == number + 1)  # type: ignore[misc]
    queue.release()
    for thread in threads:
        thread.join(20)

    assert order == list(range(8))
    assert queue.acquire(0)


def test_a_newcomer_does_not_overtake_a_waiting_thread() -> None:
    queue = WriterQueue()
    assert queue.acquire(1)
    waiter = threading.Thread(target=queue.acquire, args=[20])
    waiter.start()
    wait_until(lambda: waiting(queue) == 1)
    queue.release()

    assert not queue.acquire(0), "the waiter has the turn"
    waiter.join(20)


def test_a_thread_that_gives_up_leaves_the_queue() -> None:
    queue = WriterQueue()
    assert queue.acquire(1)
    assert not queue.acquire(0.01)
    assert waiting(queue) == 0
    queue.release()

    assert queue.acquire(0)


def test_a_forked_child_has_queues_of_its_own(tmp_path: Path) -> None:
    name = str(tmp_path / "db.sqlite3")
    assert queue_of(name).acquire(1)
    child = os.fork()
    if child == 0:
        os._exit(0 if queue_of(name).acquire(0) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# Connections


Connect = Callable[[], BaseDatabaseWrapper]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Return new connections to one file with a table, of the engine that settings name."""
    opened: list[BaseDatabaseWrapper] = []
    options = {"transaction_mode": "IMMEDIATE", "timeout": 0.2, "init_command": "PRAGMA journal_mode=WAL"}
    databases = {
        "default": {
            "ENGINE": "notifications_hub.database.sqlite",
            "NAME": str(tmp_path / "db.sqlite3"),
            "OPTIONS": options,
        }
    }

    def connect() -> BaseDatabaseWrapper:
        opened.append(ConnectionHandler(databases).create_connection("default"))
        opened[-1].inc_thread_sharing()
        return opened[-1]

    run(connect(), "CREATE TABLE note (text)")
    yield connect
    for connection in opened:
        connection.close()


def run(connection: BaseDatabaseWrapper, statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as sql:
        sql.execute(statement)
        rows: list[tuple[object, ...]] = sql.fetchall()
    return rows


def begin(connection: BaseDatabaseWrapper) -> None:
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def is_free(connection: BaseDatabaseWrapper) -> bool:
    queue = queue_of(str(connection.settings_dict["NAME"]))
    if free := queue.acquire(0):
        queue.release()
    return free


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_transaction_holds_its_turn_to_the_end(connect: Connect, end: str) -> None:
    connection = connect()
    begin(connection)
    assert not is_free(connection)
    getattr(connection, end)()

    assert is_free(connection)


def test_a_transaction_that_cannot_begin_gives_its_turn_back(connect: Connect) -> None:
    connection = connect()
    with another_process(connection), pytest.raises(OperationalError, match="locked"):
        begin(connection)

    assert is_free(connection)


def test_a_single_write_waits_for_its_turn_and_a_read_does_not(connect: Connect) -> None:
    connection, other = connect(), connect()
    begin(connection)
    run(connection, "INSERT INTO note VALUES ('first')")
    assert run(other, "SELECT * FROM note") == []

    writing = threading.Thread(target=run, args=[other, "INSERT INTO note VALUES ('second')"])
    writing.start()
    queue = queue_of(str(connection.settings_dict["NAME"]))
    wait_until(lambda: waiting(queue) == 1)
    connection.commit()
    writing.join(20)

    assert run(other, "SELECT * FROM note") == [("first",), ("second",)]
    assert is_free(connection)


def test_a_turn_that_never_comes_leaves_the_decision_to_sqlite(connect: Connect) -> None:
    connection = connect()
    queue = queue_of(str(connection.settings_dict["NAME"]))
    assert queue.acquire(0)
    run(connection, "INSERT INTO note VALUES ('written without a turn')")

    assert run(connection, "SELECT count(*) FROM note") == [(1,)]
    assert not queue.acquire(0), "only its holder gives a turn back"


@contextmanager
def another_process(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Hold SQLite's own lock, which a process outside the queue would."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()
