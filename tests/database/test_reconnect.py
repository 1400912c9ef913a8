"""One retry on a new connection, if an open one turns out to be broken."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import OperationalError, connections
from django.db.utils import load_backend

from notifications_hub.database.pooling import release_connections
from notifications_hub.database.reconnect import run_with_reconnect
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.django_db(transaction=True)


def failing(calls: list[int]) -> None:
    calls.append(1)
    raise OperationalError("away")


def test_a_call_on_an_open_connection_is_tried_again() -> None:
    connections["default"].ensure_connection()
    calls: list[int] = []
    with pytest.raises(OperationalError):
        run_with_reconnect(failing, calls)
    assert len(calls) == 2


def test_a_call_that_could_not_connect_is_not() -> None:
    connections.close_all()
    calls: list[int] = []
    with pytest.raises(OperationalError):
        run_with_reconnect(failing, calls)
    assert len(calls) == 1


def test_a_pool_that_lends_a_broken_connection_is_asked_again_and_an_empty_one_is_not(
    postgres_server: PostgresServer,
) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_use_a_pool, postgres_server).result()


def _use_a_pool(server: PostgresServer) -> None:
    pool = {"min_size": 1, "max_size": 1, "timeout": 0.5}
    given = {**connections["default"].settings_dict, "ENGINE": "django.db.backends.postgresql", "NAME": "postgres"}
    given |= {"HOST": "127.0.0.1", "PORT": server.port, "USER": "hub", "CONN_MAX_AGE": 0, "OPTIONS": {"pool": pool}}
    wrapper = load_backend(given["ENGINE"]).DatabaseWrapper(given, "default")
    connections["default"] = wrapper
    try:
        pid = run_with_reconnect(_backend)
        # As a call of the hub does when it ends.
        release_connections()
        with psycopg.connect(server.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        assert run_with_reconnect(_backend) != pid
        release_connections()

        calls: list[int] = []
        with wrapper.pool.connection(), pytest.raises(OperationalError):
            run_with_reconnect(_counted(calls))
        assert len(calls) == 1
    finally:
        wrapper.close()
        wrapper.close_pool()


def _counted(calls: list[int]) -> Callable[[], int]:
    def function() -> int:
        calls.append(1)
        return _backend()

    return function


def _backend() -> int:
    with connections["default"].cursor() as sql:
        sql.execute("SELECT pg_backend_pid()")
        return int(sql.fetchone()[0])
