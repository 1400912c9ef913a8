"""Hints between processes, on a separate Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import msgpack  # type: ignore[import-untyped]
import pytest
from pytest_django import Settings
from redis import Redis

from notifications_hub.live.channel_layer import BackgroundLayer, Layer, shared_layer
from notifications_hub.live.eager_start import cancel_all
from tests.support.databases import Databases
from tests.support.redis import RedisServer
from tests.support.site import Shell, site_environment


@pytest.mark.both_databases(short="postgresql")
def test_an_exiting_process_sends_its_last_events_first(databases: Databases, redis_server: RedisServer) -> None:
    environment = site_environment(DATABASE_URL=databases.copy(), REDIS_URL=redis_server.url)
    with Redis.from_url(redis_server.url) as redis, redis.pubsub() as received:
        received.psubscribe("*")
        received.get_message(timeout=30)
        shell = Shell(environment)
        shell.python("""
            from notifications_hub import publish
            publish("open.t", "counted", {})
        """)
        shell.close()
        # The process is gone: an event that is missing now will never arrive.
        sent = [message["data"] for message in iter(lambda: received.get_message(timeout=0.2), None)]
    assert any(b"open.t" in data for data in sent if isinstance(data, bytes))


def test_hints_of_one_moment_are_sent_together(
    settings: Settings, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications_hub.live.channel_layer._GATHER_SECONDS", 0.3)
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_server.url]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    background = BackgroundLayer()
    with Redis.from_url(redis_server.url) as redis, redis.pubsub() as received:
        received.psubscribe("*")
        received.get_message(timeout=30)
        background.hint({"open.t": 1})
        time.sleep(0.1)
        for top in (3, 2, 4, 3):
            background.hint({"open.t": top, f"open.t{top}": top})
        background.finish()
        sent = [message["data"] for message in iter(lambda: received.get_message(timeout=0.2), None)]
    tops = [dict(msgpack.unpackb(data)["tops"]) for data in sent]
    assert tops == [{"open.t": 1}, {"open.t": 4, "open.t3": 3, "open.t2": 2, "open.t4": 4}]


_FORK = """
    import asyncio, atexit, os
    from django.db import connections
    from notifications_hub import publish
    from notifications_hub.live.hub import start_hub, stop_hub
    from notifications_hub.streams.numberer import numberer

    def fork():
        publish("open.parent", "counted", {})
        numberer.finish(20)
        # As Celery does before it forks: two processes cannot share a connection.
        connections.close_all()
        child = os.fork()
        if not child:
            for number in range(5):
                publish(f"open.child{number}", "counted", {})
                publish(f"open.child{number}", "typing", {}, ephemeral=True)
            numberer.finish(20)
            atexit._run_exitfuncs()
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        publish("open.parent_after", "counted", {})
        numberer.finish(20)
        connections.close_all()

    async def fork_beside_a_hub():
        start_hub()
        await asyncio.to_thread(fork)
        await asyncio.sleep(0.2)
        await stop_hub()
"""


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.parametrize("fork", ["fork()", "asyncio.run(fork_beside_a_hub())"], ids=["plain", "beside a hub"])
def test_a_forked_process_and_its_parent_both_send_what_they_publish(
    databases: Databases, redis_server: RedisServer, fork: str
) -> None:
    environment = site_environment(DATABASE_URL=databases.copy(), REDIS_URL=redis_server.url)
    with Redis.from_url(redis_server.url) as redis, redis.pubsub() as received:
        received.psubscribe("*")
        received.get_message(timeout=30)
        shell = Shell(environment)
        shell.python(_FORK)
        assert shell.python(fork) == "0"
        shell.close()
        sent = [message["data"] for message in iter(lambda: received.get_message(timeout=0.2), None)]
    messages = [data for data in sent if isinstance(data, bytes)]
    by_child = [sum(f"open.child{number}".encode() in data for data in messages) for number in range(5)]
    assert by_child == [2] * 5
    by_parent = [any(topic in data for data in messages) for topic in (b"open.parent", b"open.parent_after")]
    assert by_parent == [True, True]


@pytest.fixture(params=["core.RedisChannelLayer", "pubsub.RedisPubSubChannelLayer"])
def forgetful(request: pytest.FixtureRequest, settings: Settings, redis_server: RedisServer) -> RedisServer:
    """A layer whose groups forget members after a second or two. The default is a day."""
    own = {"group_expiry": 2} if request.param.startswith("core") else {}
    layer = {"BACKEND": f"channels_redis.{request.param}", "CONFIG": {"hosts": [redis_server.url], **own}}
    settings.CHANNEL_LAYERS = {"default": layer}
    return redis_server


@asynccontextmanager
async def one_hub(received: list[Any]) -> AsyncIterator[Layer]:
    """Run the layer as a hub does."""
    layer = Layer(received.append)

    async def forever(step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await step()

    tasks = [asyncio.create_task(forever(step)) for step in (layer.listen, layer.stay)]
    try:
        yield layer
    finally:
        await cancel_all(tasks)
        await layer.close()
        await close_layer()


async def close_layer() -> None:
    shared = shared_layer()
    assert shared is not None
    await cast("Any", shared).close_pools() if hasattr(shared, "close_pools") else await cast("Any", shared).flush()


@pytest.mark.usefixtures("forgetful")
async def test_a_hub_gets_hints_for_longer_than_its_layer_remembers_a_group() -> None:
    received: list[Any] = []
    async with one_hub(received):
        await asyncio.sleep(3.5)
        sender = Layer()
        sender.hint({"open.t": 1})
        await sender.sent()
        await _until(lambda: received)
    assert [message["tops"] for message in received] == [[["open.t", 1]]]


async def test_a_hub_rejoins_after_its_layer_has_lost_everything(
    forgetful: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications_hub.live.channel_layer.STAY_SECONDS", 0.2)
    received: list[Any] = []
    async with one_hub(received):
        await asyncio.sleep(0.5)
        forgetful.flush()
        sender = Layer()
        # A hint that is sent before the hub has rejoined is lost.
        for _ in range(100):
            sender.hint({"open.t": 1})
            await sender.sent()
            await asyncio.sleep(0.2)
            if received:
                break
    assert received[0]["tops"] == [["open.t", 1]]


async def _until(holds: Callable[[], object]) -> None:
    for _ in range(1500):
        if holds():
            return
        await asyncio.sleep(0.02)
