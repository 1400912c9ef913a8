"""Clients that stop reading: their waiting bytes are bounded, they are closed, and no other client misses anything.

`tests/faults/cluster/test_slow_readers.py` does it with 100 of 1,000 on a cluster, and holds the others' delays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.live.support import HURRIED
from tests.support.by_hand import close_code, open_by_hand
from tests.support.databases import Databases
from tests.support.live import WEBSOCKET, cookie_of
from tests.support.live_many import Wanderer, session, wandering
from tests.support.memory import resident
from tests.support.site import Site

TOPIC = "open.slow"
READERS, SLOW, BROADCASTS = 8, 5, 50
SIZE = 60_000
"""Bytes in each event. After a few events the kernel's buffers are full."""
MEMORY = 50 * 2**20


@pytest.fixture(scope="module")
def roomy_site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    room = {"LIVE_PER_USER": "1000", "LIVE_PER_ADDRESS": "0"}
    environment = {"DATABASE_URL": databases.copy(), **HURRIED, **room}
    site = Site(tmp_path_factory.mktemp("roomy"), hub={}, environment=environment)
    yield site
    site.close()


def test_a_client_that_stops_reading_is_closed_and_others_miss_nothing(roomy_site: Site) -> None:
    memory = resident([roomy_site.process_id])
    slow = [open_by_hand(roomy_site, f"topic={TOPIC}") for _ in range(SLOW)]
    asyncio.run(everybody_else(roomy_site, cookie_of(roomy_site, "alice")))
    assert resident([roomy_site.process_id]) - memory < MEMORY
    # If they read nothing for long, the server's own ping or timeout ends them before our close code arrives.
    assert {close_code(line) for line in slow} <= {4408, 1011, None}
    for line in slow:
        line.close()


async def everybody_else(site: Site, cookie: str) -> None:
    async with session() as http:
        readers = [
            Wanderer(http, lambda: site.url, cookie, TOPIC, kinds=[WEBSOCKET], stays=(600, 600)) for _ in range(READERS)
        ]
        await wandering(readers, lambda: asyncio.to_thread(broadcast, site))
    assert all(reader.applied_all(BROADCASTS) for reader in readers)


def broadcast(site: Site) -> None:
    site.python(f"""
        from notifications_hub import publish
        for number in range(1, {BROADCASTS} + 1):
            publish({TOPIC!r}, "counted", {{"n": number, "words": "x" * {SIZE}}})
    """)
