"""The deadline of a client's request, for a database that hangs or is away."""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from notifications_hub.live import counted_warning
from notifications_hub.live import deadline as deadlines
from notifications_hub.live.admission import Refusal
from notifications_hub.live.batching import Batcher
from notifications_hub.live.close_codes import UNAVAILABLE, Closing
from notifications_hub.live.counted_warning import CountedWarning
from notifications_hub.live.deadline import deadline
from notifications_hub.live.poll import _Waiting


async def test_a_client_is_asked_to_come_back_if_the_database_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications_hub.live.deadline.ANSWER_SECONDS", 0.01)
    with pytest.raises(Refusal) as refused:
        async with deadline():
            await asyncio.Event().wait()
    assert (refused.value.closing.code, refused.value.closing.status) == (1012, 503)
    assert refused.value.closing.headers == {"Retry-After": "5"}


async def test_a_client_is_asked_to_come_back_if_the_database_is_away() -> None:
    with pytest.raises(Refusal) as refused:
        async with deadline():
            raise OperationalError("connection refused")
    assert refused.value.closing.status == 503


async def test_a_waiting_poll_is_refused_if_its_first_read_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "ANSWER_SECONDS", 0.01)
    answers: list[Closing] = []

    async def refuse(closing: Closing) -> None:
        answers.append(closing)

    # Nobody reads the log for this connection.
    hub: Any = SimpleNamespace(log=None, holding=lambda connection: nullcontext())
    exchange: Any = SimpleNamespace(refuse=refuse)
    visitor = SimpleNamespace(
        person=SimpleNamespace(pk=1), owner="1", credential=None, sessions=(), at=0, seconds_left=9
    )
    admitted: Any = SimpleNamespace(visitor=visitor, names=(), topics=("inbox.1",))
    wanted: Any = SimpleNamespace(known={})
    async with asyncio.timeout(20):
        await _Waiting(hub, exchange).run(wanted, admitted, wait=25.0)
    assert answers == [UNAVAILABLE]


async def test_a_crowd_that_is_refused_is_logged_as_a_number(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(counted_warning, "SECONDS", 2.0)
    monkeypatch.setattr(deadlines, "_refused", CountedWarning(deadlines.log, "clients: %d (%s)"))

    for _ in range(100):
        with pytest.raises(Refusal):
            async with deadline():
                raise OperationalError("connection refused")

    assert caplog.messages == ["clients: 1 (connection refused)"]
    # Also if nobody comes later.
    async with asyncio.timeout(20):
        while len(caplog.messages) < 2:  # noqa: ASYNC110 -- a line of the log tells nobody
            await asyncio.sleep(0.05)
    assert caplog.messages[1] == "clients: 99 (connection refused)"


async def test_requests_that_were_given_up_while_a_batch_hung_are_not_run() -> None:
    ran: list[list[str]] = []
    goes_on = asyncio.Event()

    async def run(many: object, requests: list[str]) -> list[str]:
        ran.append(list(requests))
        await goes_on.wait()
        return requests

    batcher: Batcher[str, str] = Batcher(run, list)  # type: ignore[arg-type]
    first = asyncio.create_task(batcher.ask("first"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    given_up, stays = asyncio.create_task(batcher.ask("given up")), asyncio.create_task(batcher.ask("stays"))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    goes_on.set()
    assert [await first, await stays] == ["first", "stays"]
    assert ran == [["first"], ["stays"]]
