"""Django's Redis cache and the channel layer follow a master that Sentinel names, and a layer has several hosts."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
from channels.layers import channel_layers
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from redis import RedisError

from config import redis_addresses
from notifications_hub.database.sentinel_pool import SentinelPool
from notifications_hub.database_checks import check_cache_servers
from notifications_hub.live.channel_layer import Layer, shared_layer
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.sentinel import NAME, WatchedRedis

# The layer of `channels_redis.pubsub` leaves a connection to the garbage collector, in the test that opened it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
BACKEND = "channels_redis.pubsub.RedisPubSubChannelLayer"


@pytest.fixture(autouse=True)
def _layer_collected(settings: Settings) -> Iterator[None]:
    yield
    channel_layers.backends.clear()
    gc.collect()


@pytest.fixture(scope="module")
def watched() -> Iterator[WatchedRedis]:
    with WatchedRedis() as watched:
        yield watched


@pytest.fixture
def url(watched: WatchedRedis) -> str:
    return ";".join(f"sentinel://{host}:{port}/1" for host, port in watched.sentinels)


async def heard(settings: Settings, hosts: list[dict[str, Any]]) -> list[Any]:
    """Return what one hub hears of another. Both use the layer at these hosts."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": BACKEND, "CONFIG": {"hosts": hosts}}}
    received: list[Any] = []
    hub, sender = Layer(received.append), Layer()
    listening = asyncio.create_task(listen(hub))
    for number in range(300):
        sender._silent_until = 0
        sender.hint({"open.t": number})
        await sender.sent()
        await asyncio.sleep(0.1)
        if received:
            break
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    await cast("Any", shared_layer()).flush()
    return received


async def listen(hub: Layer) -> None:
    while True:
        try:
            await hub.listen()
        except (RedisError, OSError):
            await asyncio.sleep(0.1)


async def test_a_layer_with_sentinels_carries_hints(settings: Settings, url: str) -> None:
    assert await heard(settings, redis_addresses.layer_hosts(url, NAME))


async def test_a_layer_with_two_hosts_carries_hints(settings: Settings) -> None:
    with RedisServer() as one, RedisServer() as two:
        assert await heard(settings, redis_addresses.layer_hosts(f"{one.url};{two.url}", ""))


def test_the_cache_is_the_masters_after_a_failover_too(settings: Settings, watched: WatchedRedis, url: str) -> None:
    settings.CACHES = {"default": redis_addresses.cache_of(url, NAME)}
    cache = caches["default"]
    cache.set("here", 1)
    assert cache.incr("here") == 2

    def has_failed_over() -> bool:
        with suppress(RedisError):
            cache.set("after", 1)
            return bool(cache.get("after") == 1)
        return False

    watched.master.kill()
    wait_until(has_failed_over, what="that the cache answers from the new master")


def test_a_pool_without_sentinels_names_the_remedy() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"OPTIONS\['sentinels'\]"):
        SentinelPool.from_url("redis://main/0")


@pytest.mark.parametrize(
    ("url", "name", "words"),
    [
        ("sentinel://one:26379/0", "", "Set REDIS_MASTER"),
        ("sentinel://one:26379/0;", "main", "Write the addresses of the sentinels"),
        ("sentinel://one:port/0", "main", "Write the addresses of the sentinels"),
        ("sentinel://one:26379/zero", "main", "Write the addresses of the sentinels"),
    ],
)
def test_an_incomplete_address_names_the_remedy(url: str, name: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        redis_addresses.layer_hosts(url, name)


def test_each_form_of_address_becomes_the_settings_of_its_packages() -> None:
    url = "sentinel://:p%40ss@one/2;sentinel://:p%40ss@two:5/2"
    [host] = redis_addresses.layer_hosts(url, "main")
    assert (host["sentinels"], host["master_name"], host["password"]) == ([("one", 26379), ("two", 5)], "main", "p@ss")
    assert host["db"] == 2
    assert redis_addresses.cache_of(url, "main")["LOCATION"] == "redis://main/2"
    assert redis_addresses.broker_options(url, "main")["master_name"] == "main"
    several = "redis://one:6379/0;redis://two:6379/0"
    assert [one["address"] for one in redis_addresses.layer_hosts(several, "")] == several.split(";")
    assert redis_addresses.cache_of(several, "")["LOCATION"] == "redis://one:6379/0"
    assert "master_name" not in redis_addresses.broker_options(several, "")


@pytest.mark.parametrize(
    ("location", "count"),
    [("redis://one", 0), (["redis://one"], 0), ("redis://one,redis://two", 1), (["redis://one", "redis://two"], 1)],
)
def test_a_check_warns_of_a_cache_whose_reads_lag_behind(settings: Settings, location: object, count: int) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location}}
    assert [one.id for one in check_cache_servers(None)] == ["notifications_hub.W070"] * count
