"""One retry on a new connection, if an open one turns out to be broken."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connections

from notifications_hub.database.reconnect import run_with_reconnect

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
