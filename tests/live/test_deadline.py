"""The deadline of a client's request, for a database that hangs or is away."""

from __future__ import annotations

import asyncio

import pytest
from django.db import OperationalError

from notifications_hub.live.admission import Refusal
from notifications_hub.live.batching import Batcher
from notifications_hub.live.deadline import deadline


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
