"""The hub's own tasks, which must run as long as the process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import AnonymousUser

from notifications_hub.live import presence
from notifications_hub.live.admission import Admitted
from notifications_hub.live.connection import Connection
from notifications_hub.live.frames import Frame
from notifications_hub.live.hub import CACHE_THREADS, Hub
from notifications_hub.live.visitor import ANONYMOUS, Visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    await asyncio.sleep(0.01)
    yield hub
    await asyncio.wait_for(hub.stop(), 10)


async def test_a_task_cancelled_by_other_code_continues_and_logs_it(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    for task in hub._tasks:
        with caplog.at_level(logging.ERROR):
            task.cancel()
            await asyncio.sleep(0.01)
        assert not task.done()
        assert task.cancelling() == 0
    assert [record.message for record in caplog.records if "read_behind was cancelled" in record.message]


async def test_a_stopped_hub_ends_all_its_tasks() -> None:
    hub = Hub()
    await asyncio.wait_for(hub.stop(), 10)
    assert all(task.done() for task in hub._tasks)


async def test_a_visitor_who_is_not_signed_in_is_not_present_and_counts_by_address(hub: Hub) -> None:
    visitor = Visitor(AnonymousUser(), ANONYMOUS, address="192.0.2.1")
    sent: asyncio.Queue[object] = asyncio.Queue()
    admitted = Admitted(visitor, ("post.1",), ["post.1"])
    connection = Connection(admitted, log=hub.log, send=sent.put, close=sent.put_nowait, kind="sse")
    connection.listen({"post.1": None}, [])
    with hub.holding(connection):
        assert (hub._registry.owners(), hub.presence._present) == (["address:192.0.2.1"], set())
        assert isinstance(await asyncio.wait_for(sent.get(), 10), Frame)


@pytest.mark.parametrize("answer", ["refusal", "silence"])
async def test_a_hub_that_stops_while_redis_is_unreachable_still_releases_its_threads(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(InMemoryChannelLayer):  # type: ignore[misc]
        async def group_discard(self, group: str, channel: str) -> None:
            if answer == "silence":
                await asyncio.Event().wait()
            raise ConnectionError("Connection refused.")

    monkeypatch.setattr("notifications_hub.live.channel_layer.shared_layer", Away)
    hub = Hub()
    await asyncio.sleep(0.1)
    await asyncio.wait_for(hub.stop(), 10)
    with pytest.raises(RuntimeError):
        await hub.database(bool)


async def test_an_event_loop_that_closes_without_stopping_the_hub_also_ends_its_tasks(hub: Hub) -> None:
    for task in hub._tasks:
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*hub._tasks, return_exceptions=True), 10)
    assert all(task.done() for task in hub._tasks)


async def test_a_hanging_cache_delays_no_revocation_and_no_admission(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    class Hanging:
        def set(self, *given: object, **named: object) -> None:
            let_go.wait(30)

    monkeypatch.setattr("notifications_hub.live.presence.cache", Hanging())
    polls = [asyncio.create_task(hub.cache(presence.record_poll, person, 0)) for person in range(8)]
    try:
        await asyncio.sleep(0.1)
        assert not any(poll.done() for poll in polls)
        await asyncio.wait_for(hub._enforcer.handle_revocations(), 20)
    finally:
        let_go.set()
        await asyncio.gather(*polls)


async def test_a_hanging_cache_keeps_no_poll_and_no_queue(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, begun = threading.Event(), []

    class Hanging:
        def set(self, *given: object, **named: object) -> None:
            begun.append(given)
            let_go.wait(30)

    monkeypatch.setattr("notifications_hub.live.presence.cache", Hanging())
    polls = [hub.cache.in_time(presence.record_poll, person, 0) for person in range(50)]
    try:
        await asyncio.wait_for(asyncio.gather(*polls), 20)
    finally:
        let_go.set()
    # The others waited for a thread, and nobody waits for them any more.
    await hub.cache(bool)
    assert len(begun) == CACHE_THREADS


@pytest.mark.parametrize("tops", [{"post.1": 7}, [["post.1", 7]]], ids=["an earlier release", "this one"])
async def test_hints_of_other_processes_are_understood(hub: Hub, tops: object, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[object] = []
    monkeypatch.setattr(hub._fanout, "note", lambda *hint: noted.append(hint))
    hub._on_layer_message({"type": "hub.hint", "tops": tops})
    assert noted == [({"post.1": 7}, {})]
