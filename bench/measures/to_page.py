"""The time between the commit of a notification and the `message` event in a page."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from bench.client import Client
from bench.processes import Server
from bench.stage import Stage, finish
from bench.table import Table
from tests.support.browser import WHOLE, chromium

# Records the time, by the page's own clock, at which each message arrives.
LISTEN = """() => new Promise((resolve) => {
    window.received = [];
    const socket = new WebSocket(`ws://${location.host}/live/ws/`);
    socket.addEventListener("message", (event) => {
        const now = performance.timeOrigin + performance.now();
        for (const found of event.data.matchAll(/"t": ?(\\d+)/g)) window.received.push([found[1], now]);
        resolve();
    });
})"""


def measure(stage: Stage, *, quick: bool) -> Table:
    sockets, seconds = (200, 3) if quick else (1000, 20)
    table = Table(
        title=f"Commit to the page: 100 notifications/s, {sockets:,} sockets",
        wanted="p50 at most 15 ms, p99 at most 60 ms",
        method="Two threads of a process beside the server call `notify.send`, to one person after the other. Times "
        "are counted from the commit. In one run the sockets only listen. In the other they acknowledge every event, "
        "as visible pages do. One socket is in a page in Chromium, which always acknowledges, and records when its "
        "`message` events were dispatched. The load client has the others.",
        columns=("", "samples", "p50 ms", "p99 ms", "worst ms", "sent/s"),
    )
    with stage.product() as server, _page(stage, server) as page:
        for ack in (False, True):
            server.settle()
            ages, page_ages, pace = _measure(stage, server, page, sockets, seconds * 100, ack=ack)
            _add(table, f"the load client, {'all acknowledge' if ack else 'listening'}", ages, pace)
            _add(table, "a page in Chromium beside it", page_ages, pace)
    p50, p99 = _percentile(ages, 0.5), _percentile(ages, 0.99)
    table.judge(p50 <= 15 and p99 <= 60, f"p50 {p50:.1f} ms, p99 {p99:.1f} ms if all acknowledge")
    return table


def _measure(
    stage: Stage, server: Server, page: Page, sockets: int, count: int, *, ack: bool
) -> tuple[list[float], list[float], float]:
    """Return ages in ms as measured by the load client and by the page, and the pace that was reached."""
    file = stage.folder / "samples"
    page.evaluate("() => { window.received = []; }")
    with Client(stage.lines(server, sockets - 1, first=1), at_once=200, ack=ack, samples=file) as client:
        client.connected().check()
        server.settle()
        moments = dict(finish(stage.begin("notifications", pks=_turns(stage, sockets, count), per_second=100)))
        time.sleep(1)
        client.stop()
    committed = sorted(moments.values())
    pace = (count - 1) / ((committed[-1] - committed[0]) / 1e9)
    return _ages(moments, _samples(file)), _ages(moments, _received(page)), pace


def _turns(stage: Stage, sockets: int, count: int) -> list[int]:
    """Return everybody in turn, and the page's person every tenth time."""
    pks = [pk for pk, _cookies in stage.people[:sockets]]
    return [pks[0] if number % 10 == 0 else pks[1 + number % (sockets - 1)] for number in range(count)]


@contextmanager
def _page(stage: Stage, server: Server) -> Iterator[Page]:
    name, _equals, value = stage.people[0][1].partition("=")
    with chromium(WHOLE) as browser:
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": server.url}])
        page = context.new_page()
        page.goto(f"{server.url}/notifications/")
        page.evaluate(LISTEN)
        yield page


def _received(page: Page) -> list[tuple[int, int]]:
    """Return the page's samples. Its clock is wall time in milliseconds, and is converted to the monotonic clock."""
    ahead = time.time_ns() - time.monotonic_ns()
    return [(int(sent), int(moment * 1e6) - ahead) for sent, moment in page.evaluate("() => window.received")]


def _samples(file: Path) -> list[tuple[int, int]]:
    return [(int(sent), int(moment)) for sent, moment in map(str.split, file.read_text().splitlines())]


def _ages(committed: Mapping[int, int], samples: Sequence[tuple[int, int]]) -> list[float]:
    return [(moment - committed[sent]) / 1e6 for sent, moment in samples if sent in committed]


def _percentile(ages: Sequence[float], share: float) -> float:
    return sorted(ages)[int(len(ages) * share)] if ages else float("nan")


def _add(table: Table, subject: str, ages: Sequence[float], pace: float) -> None:
    worst = max(ages, default=float("nan"))
    table.add(subject, len(ages), _percentile(ages, 0.5), _percentile(ages, 0.99), worst, pace)
