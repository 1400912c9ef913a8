"""T31: a tenth of a thousand sockets stops reading during fifty broadcasts, half of it behind nginx."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle
from urllib.parse import urlencode

import pytest

from tests.faults.figures import record
from tests.support.by_hand import close_code, open_by_hand
from tests.support.cluster import WEBS, Cluster
from tests.support.live import WEBSOCKET, cookie_of
from tests.support.live_many import Wanderer, session, wandering
from tests.support.memory import forget_peak, peak, resident

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True), pytest.mark.usefixtures("_no_traceback")]

READERS, SLOW = 900, 100
BROADCASTS, USUAL, PAUSE = 50, 15, 0.5
SIZE = 60_000
"""Bytes in each event for those that read nothing. After a few events the kernel's buffers are full."""
ALLOWED_GROWTH = 50_000_000
NOISE_SECONDS = 0.1
"""Between two equal runs on two cores."""


def test_sockets_that_stop_reading_cost_little_memory_and_delay_nobody(cluster: Cluster, topic: str) -> None:
    usual = asyncio.run(delays(cluster, f"{topic}-usual", USUAL))
    before = [resident(cluster.pids(part)) for part in WEBS]
    for part in WEBS:
        forget_peak(cluster.pids(part))
    places = [cluster.url, *cluster.web_urls, cluster.url]
    with ExitStack() as opened:
        query = urlencode({"topic": [topic, large(topic)]}, doseq=True)
        pairs = zip(range(SLOW), cycle(places), strict=False)
        slow = [(at, opened.enter_context(open_by_hand(cluster, query, at=at, who="bob"))) for _, at in pairs]
        during = asyncio.run(delays(cluster, topic, BROADCASTS))
        growth = max(peak(cluster.pids(part)) - then for part, then in zip(WEBS, before, strict=True))
        # Nginx and the kernel may still hold what the others did not read.
        codes = {close_code(line) for at, line in slow if at != cluster.url}
    record(
        "T31", sockets=READERS + SLOW, slow=SLOW, broadcasts=BROADCASTS, growth_megabytes=growth / 1e6,
        usual_p99_seconds=p99(usual), delay_p99_seconds=p99(during),
    )  # fmt: skip
    assert growth < ALLOWED_GROWTH
    assert p99(during) < 2 * p99(usual) + NOISE_SECONDS
    # If they read nothing for long, the server's own ping or timeout ends them before the hub's close code arrives.
    assert codes <= {4408, 1011, None}


async def delays(cluster: Cluster, topic: str, broadcasts: int) -> list[float]:
    """Broadcast to all that read. Return how long each event took to each of them, in order of size."""
    cookie = await asyncio.to_thread(cookie_of, cluster, "alice")
    async with session() as http:
        readers = [
            Wanderer(http, lambda: cluster.url, cookie, topic, kinds=[WEBSOCKET], stays=(600, 600))
            for _ in range(READERS)
        ]
        await wandering(readers, lambda: asyncio.to_thread(broadcast, cluster, topic, broadcasts))
    assert all(reader.applied_all(broadcasts) for reader in readers)
    return sorted(delay for reader in readers for delay in reader.delays)


def broadcast(cluster: Cluster, topic: str, broadcasts: int) -> None:
    """Publish small events for everybody, each with a large one for those that read nothing."""
    cluster.python(f"""
        import time
        from notifications_hub import publish_many
        for number in range(1, {broadcasts} + 1):
            small = ({topic!r}, "counted", {{"n": number, "sent": time.time()}})
            publish_many([small, ({large(topic)!r}, "counted", {{"n": number, "words": "x" * {SIZE}}})])
            time.sleep({PAUSE})
    """)


def large(topic: str) -> str:
    """The topic of the large events beside a topic."""
    return f"{topic}-large"


def p99(sorted_delays: Sequence[float]) -> float:
    return sorted_delays[int(len(sorted_delays) * 0.99)]
