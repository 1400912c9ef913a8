"""A burst of hints for the channel layer that keeps a hundred at most. `cluster/test_hints.py` has the other layer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.hints import send_hints
from tests.faults.run import Run, running
from tests.support.memory import forget_peak, peak, resident
from tests.support.processes import stopped, wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True)]

HINTS = 10_000
ALLOWED_GROWTH = 20_000_000


def test_a_burst_over_the_capacity_costs_neither_events_nor_memory(
    start_site: Callable[..., Site], redis_server: RedisServer, tmp_path: Path
) -> None:
    """T17: a process that was stopped for a moment finds a hundred of 10,000 hints; the layer dropped the others."""
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [{"address": redis_server.url}]}}
    settings = {"CHANNEL_LAYERS": {"default": layer}}
    site = start_site(REDIS_URL=redis_server.url, TEST_SETTINGS=json.dumps(settings))
    with running(site.url, site.environment, tmp_path) as run:
        growth: list[int] = []
        verdict = run.prove(seconds=10, rate=50, happening=lambda: growth.append(burst(run, site)))
    record("T17 core layer", verdict, hints=HINTS, growth_megabytes=growth[0] / 1e6)
    assert verdict.holds
    assert growth[0] < ALLOWED_GROWTH


def burst(run: Run, site: Site) -> int:
    """Send the hints while the server is stopped. Return the bytes by which it grew at most."""
    send_hints(run, 500)
    server = [site.process_id]
    before = resident(server)
    forget_peak(server)
    with stopped(*server):
        send_hints(run, HINTS)
    wait_until(lambda: is_idle(site), what="the last hint")
    return peak(server) - before


def is_idle(site: Site) -> bool:
    """Return whether the server answers, which it does in turn with the hints."""
    return site.visitor().get("/healthz").ok
