"""Clients that stop reading: their waiting bytes are bounded, they are closed, and no other client is delayed.

`FULL=1` uses 100 of 1,000 clients during 50 broadcasts, and compares the delays with those before. Without it, 5 of 15.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from tests.live.support import HURRIED
from tests.live.test_switching import cookies_of
from tests.live.test_websocket import close_code, memory_of, open_by_hand
from tests.support.databases import Databases
from tests.support.full import FULL, report
from tests.support.live import WEBSOCKET
from tests.support.live_many import Wanderer, session, wandering
from tests.support.site import Site

pytestmark = pytest.mark.faults(short=True)

READERS, SLOW, BROADCASTS, PAUSE = (900, 100, 50, 1.0) if FULL else (10, 5, 50, 0.05)
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


def test_a_client_that_stops_reading_is_closed_without_delay_for_others(roomy_site: Site) -> None:
    cookies = cookies_of(roomy_site, 5)
    before = asyncio.run(delays(roomy_site, cookies, "open.before", BROADCASTS if FULL else 5))
    memory = memory_of(roomy_site)
    slow = [open_by_hand(roomy_site, "topic=open.during") for _ in range(SLOW)]
    during = asyncio.run(delays(roomy_site, cookies, "open.during", BROADCASTS))
    grown = memory_of(roomy_site) - memory
    report(f"p99 {p99(before):.3f} s, with slow readers {p99(during):.3f} s; memory grew by {grown / 2**20:.1f} MB")
    assert grown < MEMORY
    # A tenth of a second is the noise between two equal runs on two cores.
    assert not FULL or p99(during) < 2 * p99(before) + 0.1
    # If they read nothing for long, the server's own ping or timeout ends them before our close code arrives.
    assert {close_code(line) for line in slow} <= {4408, 1011, None}
    for line in slow:
        line.close()


async def delays(site: Site, cookies: Sequence[str], topic: str, broadcasts: int) -> list[float]:
    async with session() as http:
        readers = [
            Wanderer(http, lambda: site.url, cookies[0], topic, kinds=[WEBSOCKET], stays=(600, 600))
            for _ in range(READERS)
        ]
        await wandering(readers, lambda: asyncio.to_thread(broadcast, site, topic, broadcasts))
    assert all(reader.applied_all(broadcasts) for reader in readers)
    return sorted(delay for reader in readers for delay in reader.delays)


def broadcast(site: Site, topic: str, broadcasts: int) -> None:
    site.python(f"""
        import time
        from notifications_hub import publish
        for number in range(1, {broadcasts} + 1):
            publish({topic!r}, "counted", {{"n": number, "sent": time.time(), "words": "x" * {SIZE}}})
            time.sleep({PAUSE})
    """)


def p99(sorted_delays: Sequence[float]) -> float:
    return sorted_delays[int(len(sorted_delays) * 0.99)]
