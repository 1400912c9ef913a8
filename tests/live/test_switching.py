"""Clients that change their kind of connection at random, while another process commits events and rolls others back.

`tests/faults/cluster/test_switching.py` does it with 200 clients on a cluster, for a minute or for ten.
"""

from __future__ import annotations

import asyncio
import random
import sys

import pytest

from tests.support.live import cookie_of
from tests.support.live_many import Wanderer, session, wandering
from tests.support.processes import ROOT
from tests.support.site import Site

CLIENTS, SECONDS, STAYS, RATE = 10, 3, (0.2, 1.0), 50


@pytest.mark.both_databases(short="postgresql")
def test_a_client_that_changes_connections_applies_every_event_exactly_once(site: Site, topic: str) -> None:
    cookies = cookies_of(site, CLIENTS)
    committed, wanderers = asyncio.run(switch(site, topic, cookies))
    assert committed > RATE * SECONDS / 10
    assert all(wanderer.numbers == list(range(1, committed + 1)) for wanderer in wanderers)
    assert all(wanderer.applied_all(committed) for wanderer in wanderers)
    assert sum(wanderer.connections for wanderer in wanderers) > CLIENTS * 3
    # So many clients of one address may exceed the handshake limit; nothing else may fail.
    assert {failure for wanderer in wanderers for failure in wanderer.failures} <= {429}


async def switch(site: Site, topic: str, cookies: list[str]) -> tuple[int, list[Wanderer]]:
    async with session() as http:
        wanderers = [
            Wanderer(http, lambda: site.url, cookie, topic, stays=STAYS, chance=random.Random(seed))
            for seed, cookie in enumerate(cookies)
        ]
        committed: list[int] = []

        async def happening() -> None:
            committed.append(await published(site, topic, RATE, SECONDS))

        await wandering(wanderers, happening)
        return committed[0], wanderers


async def published(site: Site, topic: str, rate: float, seconds: float) -> int:
    """Return the number of events that another process committed."""
    arguments = [topic, str(rate), str(seconds)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.publisher", *arguments),
        cwd=ROOT, env=site.environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return int(output)


def cookies_of(site: Site, clients: int) -> list[str]:
    """Return session cookies of enough people for the clients, with five connections each."""
    names = ["alice", "bob", "charlie", "admin", *(f"wanderer{number}" for number in range(clients // 5))]
    site.python(f"""
        from django.contrib.auth import get_user_model
        people = get_user_model().objects
        for name in {names!r}:
            people.filter(username=name).exists() or people.create_user(name, password="demo")
    """)
    cookies = [cookie_of(site, name) for name in names[: max(1, clients // 5)]]
    return [cookies[number % len(cookies)] for number in range(clients)]
