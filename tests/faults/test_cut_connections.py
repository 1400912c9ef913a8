"""T26: connections that are cut after any byte of an answer: of its head, of a frame, of an event, of a character.

The client of browsers (in Node) and that of these tests continue from their cursors. They apply a frame as a whole or
not at all. `FULL=1` cuts at every byte; without it, at some.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.faults.cuts import WORDS, publish, published, wrong
from tests.faults.figures import record
from tests.faults.pages import KINDS_OF_PROXY, NodePage, Page, PythonPage
from tests.live.support import cursor_at
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.live import EVERY, SSE, WEBSOCKET, cookie_of
from tests.support.processes import wait_until
from tests.support.proxy import Proxy, proxy_before
from tests.support.redis import RedisServer
from tests.support.site import Site

pytestmark = pytest.mark.faults(short=True)

STEPS = {NodePage: 1, PythonPage: 5} if FULL else {NodePage: 61, PythonPage: 83}
"""Bytes between two cuts."""
CLIENTS = {NodePage: "JavaScript", PythonPage: "Python"}
STREAMED = (WEBSOCKET, SSE)
"""Kinds that push frames. The answer of a poll is the same for a new event as for an old one."""

_topics = count(1)


@pytest.fixture(scope="module")
def site(databases: Databases, _redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # With Redis, so that a page hears of an event at once.
    room = {"LIVE_PER_USER": "1000", "LIVE_PER_ADDRESS": "0", "DJANGO_SETTINGS_MODULE": "tests.live.settings"}
    environment = {"DATABASE_URL": databases.copy(), "REDIS_URL": _redis_server.url, **room}
    site = Site(tmp_path_factory.mktemp("cut"), hub={}, environment=environment)
    yield site
    site.close()


@pytest.fixture
def proxy(site: Site) -> Iterator[Proxy]:
    with proxy_before(site) as proxy:
        yield proxy


@pytest.fixture(params=list(CLIENTS), ids=list(CLIENTS.values()))
def open_page(request: pytest.FixtureRequest) -> type[NodePage | PythonPage]:
    page: type[NodePage | PythonPage] = request.param
    return page


@pytest.mark.parametrize("kind", EVERY)
def test_an_answer_that_is_cut_anywhere_is_applied_whole_and_once(
    site: Site, proxy: Proxy, open_page: type[NodePage | PythonPage], kind: str
) -> None:
    topic, path = f"open.cut{next(_topics)}", KINDS_OF_PROXY[kind]
    publish(site, topic, 1, 3)
    step = STEPS[open_page]
    offsets = count(0, step)
    proxy.on_opened = lambda opened: proxy.budgets.__setitem__(opened, next(offsets)) if opened == path else None
    with open_page(proxy.url + "/", cookie_of(site, "alice"), kind, topic, cursor_at(site, topic, seq=0)) as page:
        page.wait_for([1, 2, 3], seconds=240 if FULL else 60)
        cut = proxy.cuts[path]
        assert cut > 200 / step
        proxy.on_opened = lambda opened: None
        proxy.budgets.clear()
        live = cut_live(site, proxy, page, path, topic=topic, step=step) if kind in STREAMED else 0
    lost, repeated, gaps = wrong(page.seqs, published(site, topic))
    record(f"T26 {CLIENTS[open_page]}, {kind}", cuts=cut + live, lost=lost, repeated=repeated, gaps=gaps)
    applied = [line for line in page.output if "seq" in line or "frame" in line][:4]
    assert [("frame" in line) for line in applied] == [False, False, False, True]
    assert all(line["data"]["words"] == WORDS for line in page.output if "seq" in line)
    assert not any(line.get("reset") for line in page.output)


def cut_live(site: Site, proxy: Proxy, page: Page, path: str, *, topic: str, step: int) -> int:
    """Publish events one by one. Cut the answer that brings each, a little later each time. Return the number cut."""
    before = proxy.cuts[path]
    for number, offset in enumerate(count(0, step), 4):
        wait_until(lambda: proxy.open[path] == 1, what="the page's connection")
        cut = proxy.cuts[path]
        proxy.budgets[path] = offset
        publish(site, topic, number, number)
        page.wait_for(range(1, number + 1))
        if proxy.cuts[path] == cut:
            break
    proxy.budgets.clear()
    return proxy.cuts[path] - before
