"""Run the world of one seed. The same seed gives the same world, in any process."""

from __future__ import annotations

import logging
import secrets
import time

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import override_settings

from notifications_hub import streams
from notifications_hub.streams.models import Event, Stream
from tests.simulation.loop import VirtualLoop, run_virtually
from tests.simulation.world import World

_CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "simulation"}}
"""A cache whose entries expire by the virtual clock."""


def simulate(seed: int, steps: int) -> World:
    """Run the world once, and return it with its verdict. It empties the log first."""
    for model in (Event, Stream):
        model.objects.all().delete()
    with pytest.MonkeyPatch.context() as patched, override_settings(CACHES=_CACHES):
        cache.clear()
        return run_virtually(lambda loop: _main(loop, patched, seed, steps))


async def _main(loop: VirtualLoop, patched: pytest.MonkeyPatch, seed: int, steps: int) -> World:
    # Models may be used on the event loop's thread, and the faults that are meant are not printed.
    patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    patched.setattr(logging.root.manager, "disable", logging.CRITICAL)
    world = World(loop, seed)
    chance = world.faults.random
    patched.setattr("notifications_hub.live.hub.Database", world.calls)
    patched.setattr("notifications_hub.live.fanout.Database", world.calls)
    patched.setattr("notifications_hub.live.channel_layer.shared_layer", lambda: world.bus)
    patched.setattr("notifications_hub.publishing._hub", world.acting_process)
    patched.setattr("notifications_hub.streams.store.number_soon", world.number_soon)
    patched.setattr("notifications_hub.streams.sweeper._chores", [streams.number_everything])
    patched.setattr("notifications_hub.streams.sweeper._patient", [])
    patched.setattr(secrets, "token_hex", lambda size: f"{chance.getrandbits(8 * size):0{2 * size}x}")
    patched.setattr(time, "monotonic", loop.time)
    patched.setattr(time, "time", loop.time)
    await world.run(steps)
    return world


def replay(seed: int, steps: int, mutant: str = "") -> str:
    """Return the command that replays a run."""
    python = ".venv/bin/python"
    database = f"{python} -m tests.support.postgres " if connection.vendor == "postgresql" else ""
    words = f" '{mutant}'" if mutant else ""
    return f"SEED={seed} STEPS={steps}; to replay it: {database}{python} -m tests.simulation {seed} {steps}{words}"
