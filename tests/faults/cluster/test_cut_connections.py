"""T26: frames of full size are cut at random bytes between nginx and a page, by every kind of connection.

The eight pages are the client of browsers (in Node) and that of these tests. They apply a frame as a whole or not
at all, and continue from their cursors.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from itertools import product

import pytest

from notifications_hub.streams import FRAME_BYTES
from tests.faults.cuts import WORDS, publish, published, wrong
from tests.faults.figures import record
from tests.faults.pages import KINDS_OF_PROXY, NodePage, Page, PythonPage
from tests.live.support import cursor_at
from tests.support.cluster import Cluster
from tests.support.live import EVERY, cookie_of
from tests.support.proxy import Proxy, proxy_before

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True), pytest.mark.usefixtures("_no_traceback")]

BACKLOG, LIVE = 80, 20
TIMES = 700
"""So that the words of an event take about 20 KB, and its backlog several frames."""
PATIENCE = 120.0


def test_full_frames_that_are_cut_are_applied_whole_and_once(cluster: Cluster, topic: str) -> None:
    publish(cluster, topic, 1, BACKLOG, times=TIMES)
    cursor, cookie = cursor_at(cluster, topic, seq=0), cookie_of(cluster, "alice")
    with ExitStack() as opened:
        pages: list[tuple[str, Proxy, Page]] = []
        for seed, (client, kind) in enumerate(product((NodePage, PythonPage), EVERY)):
            proxy = opened.enter_context(proxy_before(cluster))
            cut_at_random(proxy, random.Random(seed))
            page = opened.enter_context(client(f"{proxy.url}/", cookie, kind, topic, cursor))
            pages.append((kind, proxy, page))
        for _, _, page in pages:
            page.wait_for(range(1, BACKLOG + 1), seconds=PATIENCE)
        for number in range(BACKLOG + 1, BACKLOG + LIVE + 1):
            publish(cluster, topic, number, number, times=TIMES)
        for _, _, page in pages:
            page.wait_for(range(1, BACKLOG + LIVE + 1), seconds=PATIENCE)
    cuts = [proxy.cuts[KINDS_OF_PROXY[kind]] for kind, proxy, _ in pages]
    found = [wrong(page.seqs, published(cluster, topic)) for _, _, page in pages]
    lost, repeated, gaps = map(sum, zip(*found, strict=True))
    record("T26 full frames", pages=len(pages), cuts=sum(cuts), lost=lost, repeated=repeated, gaps=gaps)
    assert min(cuts) >= 3
    assert (lost, repeated, gaps) == (0, 0, 0)
    output = [line for _, _, page in pages for line in page.output]
    assert all(line["data"]["words"] == WORDS * TIMES for line in output if "seq" in line)
    assert not any(line.get("reset") for line in output)


def cut_at_random(proxy: Proxy, chance: random.Random) -> None:
    """Cut each connection at a byte of its first frame, or of the second, or not yet there."""
    proxy.on_opened = lambda path: proxy.budgets.__setitem__(path, chance.randrange(2 * FRAME_BYTES))
