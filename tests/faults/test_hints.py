"""Hints between processes that are lost, doubled, reordered, or far too many. The log is read all the same."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from notifications_hub.live.channel_layer import GROUP
from notifications_hub.live.hub import SWEEP_SECONDS
from tests.faults.figures import record
from tests.faults.run import Run, running
from tests.support.full import FULL
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site

pytestmark = pytest.mark.postgres

StartSite = Callable[..., Site]
SECONDS, RATE = (30, 50) if FULL else (3, 30)
HINTS = 10_000
ALLOWED_GROWTH = 20_000_000
CORE, PUBSUB = "channels_redis.core.RedisChannelLayer", "channels_redis.pubsub.RedisPubSubChannelLayer"


def with_layer(start_site: StartSite, redis: RedisServer, backend: str, **config: object) -> Site:
    layer = {"BACKEND": backend, "CONFIG": {"hosts": [{"address": redis.url}], **config}}
    settings = {"CHANNEL_LAYERS": {"default": layer}}
    return start_site(REDIS_URL=redis.url, TEST_SETTINGS=json.dumps(settings))


@pytest.mark.faults
def test_lost_doubled_and_reordered_hints_cost_a_second_at_most(
    start_site: StartSite, redis_server: RedisServer, tmp_path: Path
) -> None:
    """T16: of the hints 30 % are lost and 10 % doubled, and each waits up to half a second."""
    letters = tmp_path / "faults-of-hints"
    site = with_layer(
        start_site, redis_server, "tests.faults.unreliable_layer.UnreliableLayer",
        lost=0.3, doubled=0.1, late=0.5, letters=str(letters),
    )  # fmt: skip
    with running(site.url, site.environment, tmp_path) as run:
        verdict = run.prove(seconds=SECONDS, rate=RATE)
    faults = letters.read_text()
    record("T16", verdict, lost_hints=faults.count("l"), doubled_hints=faults.count("d"))
    assert verdict.holds
    assert faults.count("l") > 0
    assert faults.count("d") > 0
    if FULL:
        assert verdict.delay_p99 <= SWEEP_SECONDS + 1.0


@pytest.mark.faults
@pytest.mark.parametrize("backend", [CORE, *([PUBSUB] if FULL else [])], ids=lambda backend: backend.split(".")[1])
def test_a_burst_of_hints_costs_neither_events_nor_memory(
    start_site: StartSite, redis_server: RedisServer, tmp_path: Path, backend: str
) -> None:
    """T17: a process that was stopped for a moment finds 10,000 hints, a hundred times what its channel holds."""
    site = with_layer(start_site, redis_server, backend)
    with running(site.url, site.environment, tmp_path) as run:
        growth: list[int] = []
        verdict = run.prove(seconds=SECONDS, rate=RATE, happening=lambda: growth.append(burst(run, site)))
    record(f"T17 {backend.split('.')[1]}", verdict, hints=HINTS, growth_megabytes=growth[0] / 1e6)
    assert verdict.holds
    assert growth[0] < ALLOWED_GROWTH


def burst(run: Run, site: Site) -> int:
    """Send the hints while the server is stopped. Return the bytes by which it grew at most."""
    send_hints(run, 500)
    before = memory(site, "VmRSS")
    Path(f"/proc/{site.process_id}/clear_refs").write_text("5")
    os.kill(site.process_id, signal.SIGSTOP)
    try:
        send_hints(run, HINTS)
    finally:
        os.kill(site.process_id, signal.SIGCONT)
    wait_until(lambda: is_idle(site), what="the last hint")
    return memory(site, "VmHWM") - before


def send_hints(run: Run, count: int) -> None:
    """Hint at the inboxes of all people, and at topics that nobody listens to, one topic a message."""
    run.python(f"""
        import asyncio
        import logging
        from channels.layers import get_channel_layer
        from django.contrib.auth import get_user_model
        from notifications_hub.streams.models import inbox_topic

        logging.getLogger("channels_redis.core").setLevel("WARNING")
        topics = [inbox_topic(pk) for pk in get_user_model().objects.values_list("pk", flat=True)]
        topics += [f"unknown.{{number}}" for number in range(len(topics))]

        async def send() -> None:
            layer = get_channel_layer()
            for number in range({count}):
                tops = {{topics[number % len(topics)]: number}}
                await layer.group_send({GROUP!r}, {{"type": "hub.hint", "tops": tops, "from": ""}})
            await layer.flush() if "pubsub" in type(layer).__module__ else await layer.close_pools()

        asyncio.run(send())
    """)


def is_idle(site: Site) -> bool:
    """Return whether the server answers, which it does in turn with the hints."""
    return site.visitor().get("/healthz").ok


def memory(site: Site, name: str) -> int:
    lines = Path(f"/proc/{site.process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
