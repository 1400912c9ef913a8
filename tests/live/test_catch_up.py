"""Clients far behind in a log of large events: each frame is bounded, and so is a process's memory for all.

`FULL=1`: 40 sockets, 12 MB behind each; without, 5.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from notifications_hub.streams import FRAME_BYTES
from notifications_hub.streams.models import MAX_DATA
from tests.live.support import HURRIED, cursor_at
from tests.live.test_switching import cookies_of
from tests.support.by_hand import open_by_hand
from tests.support.databases import Databases
from tests.support.full import FULL, report
from tests.support.live import WEBSOCKET, cookie_of, query_of
from tests.support.live_many import Wanderer, session, wandering
from tests.support.memory import resident
from tests.support.site import Site

SOCKETS = 40 if FULL else 5
EVENTS, SIZE = 200, 60_000
MEMORY = 120 * 2**20
"""Memory growth for clients that read and for clients that do not. Once, each client took several times 12 MB."""
ONE_FRAME = FRAME_BYTES + MAX_DATA + 2 * 2**10


@pytest.fixture(scope="module")
def roomy_site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    room = {"LIVE_PER_USER": "1000", "LIVE_PER_ADDRESS": "0"}
    environment = {"DATABASE_URL": databases.copy(), **HURRIED, **room}
    site = Site(tmp_path_factory.mktemp("roomy"), hub={}, environment=environment)
    yield site
    site.close()


def publish_large(site: Site, topic: str, count: int) -> None:
    site.python(f"""
        from notifications_hub import publish_many
        words = "x" * {SIZE}
        publish_many(({topic!r}, "counted", {{"n": n, "words": words}}) for n in range(1, {count} + 1))
    """)


@pytest.mark.faults(short=True)
def test_many_clients_far_behind_take_only_bounded_memory(roomy_site: Site) -> None:
    publish_large(roomy_site, "open.far", EVENTS)
    cursor = cursor_at(roomy_site, "open.far", seq=0)
    cookies = cookies_of(roomy_site, SOCKETS)
    with growth_of(roomy_site) as grown:
        asyncio.run(read_all(roomy_site, cookies[0], cursor))
    with growth_of(roomy_site) as grown_by_stalled:
        lines = [open_by_hand(roomy_site, query_of(["open.far"], cursor)) for _ in range(SOCKETS)]
        threading.Event().wait(5)
        for line in lines:
            line.close()
    report(f"{SOCKETS} that read: {grown[0] / 2**20:.0f} MiB; that do not: {grown_by_stalled[0] / 2**20:.0f} MiB")
    assert max(grown[0], grown_by_stalled[0]) < MEMORY


async def read_all(site: Site, cookie: str, cursor: str) -> None:
    async with session() as http:
        readers = [
            Wanderer(http, lambda: site.url, cookie, "open.far", kinds=[WEBSOCKET], stays=(600, 600))
            for _ in range(SOCKETS)
        ]
        for reader in readers:
            reader.cursor = cursor
        await wandering(readers, lambda: asyncio.gather(*(reader.until(EVENTS) for reader in readers)))
    assert all(reader.applied_all(EVENTS) for reader in readers)


@contextmanager
def growth_of(site: Site) -> Iterator[list[int]]:
    """Return the peak growth of the server's memory during the block."""
    before, most, over = resident([site.process_id]), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            most[0] = max(most[0], resident([site.process_id]) - before)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        over.set()
        watching.join()


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("wait", [0, 1])
def test_a_poll_of_many_topics_with_large_events_returns_one_bounded_frame_at_a_time(
    roomy_site: Site, wait: int
) -> None:
    topics = [f"open.t{wait}x{number}" for number in range(31)]
    for topic in topics:
        publish_large(roomy_site, topic, 3)
    cursor = all_at_the_beginning(roomy_site, topics)
    seqs: dict[str, list[int]] = {topic: [] for topic in topics}
    more = True
    while more:
        frame, size = poll(roomy_site, topics, cursor, wait)
        assert size < ONE_FRAME
        assert frame["events"]
        for event in frame["events"]:
            seqs[event["topic"]].append(event["seq"])
        cursor, more = frame["cursor"], frame["more"]
    assert seqs == {topic: [1, 2, 3] for topic in topics}


def poll(site: Site, topics: list[str], cursor: str, wait: int) -> tuple[dict[str, Any], int]:
    address = f"{site.url}/live/poll/?{query_of(topics, cursor)}&wait={wait}"
    answer = requests.get(address, headers={"Cookie": cookie_of(site, "alice")}, timeout=30)
    answer.raise_for_status()
    return answer.json(), len(answer.content)


def all_at_the_beginning(site: Site, topics: list[str]) -> str:
    return site.python(f"""
        from notifications_hub.streams.cursor import Position, encode
        from notifications_hub.streams import Stream
        streams = Stream.objects.filter(topic__in={topics!r})
        print(encode({{stream.topic: Position(stream.epoch, 0, 0) for stream in streams}}))
    """).strip()
