"""Faults and abuse on the site as in production: two web processes behind nginx, PostgreSQL, Redis and workers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest
import requests

from tests.faults.figures import record
from tests.faults.run import Run, running, signed_in
from tests.support.cluster import Cluster
from tests.support.dialling import HALF, dialled
from tests.support.live import WEBSOCKET, opened
from tests.support.live_many import session
from tests.support.processes import ROOT, wait_until
from tests.support.site import Shell

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True)]

SOCKETS, PEOPLE = 1_000, 200
CATCHES_UP_SECONDS = 10.0
STRANGERS = 500
FLOOD_SECONDS = 10.0
HANDSHAKES = 5_000
"""Offered in each second of the flood. nginx refuses them all; one web process by itself refuses fewer."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(params=["nginx", "web process"])
def url(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    return cluster.url if request.param == "nginx" else cluster.web_urls[0]


@contextmanager
def crowd(cluster: Cluster, folder: Path) -> Iterator[Run]:
    with running(
        cluster.url, cluster.environment, folder, people=PEOPLE, clients=SOCKETS, kinds=(WEBSOCKET,)
    ) as run:  # fmt: skip
        yield run


def test_a_killed_web_process_delays_its_pages_for_seconds(cluster: Cluster, tmp_path: Path) -> None:
    """T18: `kill -9` of one of two web processes with 1,000 sockets behind nginx."""
    with crowd(cluster, tmp_path) as run:
        verdict = run.prove(seconds=20, rate=50, happening=lambda: while_producing(run, cluster.kill, "web-1"))
    again = sum(client.connections for client in run.clients) - SOCKETS
    failed = failures(run)
    record("T18", verdict, reconnects=again, server_errors=failed[500])
    cluster.wait_until_ready()
    assert verdict.holds
    assert again > 0
    assert failed[500] == 0
    assert verdict.delay_worst <= CATCHES_UP_SECONDS


def test_a_web_process_that_is_asked_to_stop_cuts_no_request(cluster: Cluster, tmp_path: Path) -> None:
    """T19: SIGTERM, as in a deployment, while pages are read through nginx. Then it starts again."""
    with crowd(cluster, tmp_path) as run, visiting(cluster.url, run) as statuses:
        took = []

        def replace() -> None:
            began = time.monotonic()
            cluster.stop("web-1")
            took.append(time.monotonic() - began)
            cluster.start("web-1")

        verdict = run.prove(seconds=25, rate=50, happening=lambda: while_producing(run, replace))
    record("T19", verdict, stop_seconds=took[0], pages=len(statuses), server_errors=failures(run)[500])
    cluster.wait_until_ready()
    assert verdict.holds
    assert took[0] <= 30
    assert set(statuses) == {200}
    assert failures(run)[500] == 0
    assert verdict.delay_worst <= CATCHES_UP_SECONDS


def test_a_flood_of_handshakes_from_another_origin_keeps_nobody_out(cluster: Cluster, url: str) -> None:
    """T33: 5,000 handshakes a second, of nobody and with the wrong origin."""
    cookie = cookies_of(cluster, ["alice"])["alice"]
    command = [sys.executable, "-m", "tests.faults.flood", str(urlsplit(url).port), str(FLOOD_SECONDS), str(HANDSHAKES)]
    waits: list[float] = []
    before = processor_seconds_of_webs(cluster)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as flood:
        while flood.poll() is None:
            waits.append(handshake(url, cookie))
            time.sleep(0.2)
        counted = json.loads(flood.communicate()[0])
    ended = time.monotonic()
    spent = processor_seconds_of_webs(cluster) - before
    wait_until(lambda: load(cluster) < 0.5, seconds=30, what="an idle web process")
    recovered = time.monotonic() - ended
    record(
        f"T33 {place_of(cluster, url)}", handshakes_per_second=counted["handshakes"] / FLOOD_SECONDS,
        refused=counted["refused"], worst_handshake_seconds=max(waits), recovery_seconds=recovered,
        web_process_cpu_ms=1000 * spent / counted["handshakes"],
    )  # fmt: skip
    assert counted["refused"] > 0.9 * counted["handshakes"]
    if url == cluster.url:
        assert counted["handshakes"] > 0.95 * HANDSHAKES * FLOOD_SECONDS
    assert max(waits) < 1.0
    assert recovered <= 5.0


def test_strangers_that_send_half_a_request_and_polls_that_wait_keep_nobody_out(cluster: Cluster, url: str) -> None:
    """T34: 500 half-open requests and 500 long polls that wait, at the same time."""
    names = [f"poller{number}" for number in range(STRANGERS // 5)]
    cookies = cookies_of(cluster, [*names, "alice"])
    polls = [cookies[name] for name in names for _ in range(5)]
    with dialled(urlsplit(url).port or 80, STRANGERS, HALF), polling(url, polls) as refused:
        began = time.monotonic()
        page = requests.get(f"{url}/notifications/", headers={"Cookie": cookies["alice"]}, timeout=30)
        answered = time.monotonic() - began
    record(f"T34 {place_of(cluster, url)}", page_seconds=answered, refused_polls=len(refused))
    assert page.status_code == 200
    assert refused == []
    assert answered < 1.0


def while_producing(run: Run, happen: Callable[..., object], *given: object) -> None:
    run.until_produced()
    time.sleep(2)
    happen(*given)


def failures(run: Run) -> Counter[int]:
    """Count the statuses of refused connections; 0 is a connection that broke."""
    return Counter(status for client in run.clients for status in client.failures)


def place_of(cluster: Cluster, url: str) -> str:
    return "nginx" if url == cluster.url else "direct"


def cookies_of(cluster: Cluster, names: list[str]) -> dict[str, str]:
    shell = Shell(cluster.environment)
    try:
        return signed_in(shell, names)
    finally:
        shell.close()


def handshake(url: str, cookie: str) -> float:
    """Open a WebSocket as a page does. Return the seconds until its first frame."""
    began = time.monotonic()
    with opened(WEBSOCKET, url, cookie) as client:
        client.frame()
        return time.monotonic() - began


def load(cluster: Cluster) -> float:
    """Return the part of a core that the busiest web process uses."""
    pids = [pid for part in ("web-1", "web-2") for pid in cluster.pids(part)]
    before = {pid: processor_seconds(pid) for pid in pids}
    time.sleep(0.5)
    return max(processor_seconds(pid) - before[pid] for pid in pids) / 0.5


def processor_seconds_of_webs(cluster: Cluster) -> float:
    return sum(processor_seconds(pid) for part in ("web-1", "web-2") for pid in cluster.pids(part))


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def visiting(url: str, run: Run) -> Iterator[list[int]]:
    """Read a page again and again meanwhile. Yield the statuses."""
    statuses: list[int] = []
    ended = threading.Event()
    cookie = run.cookie_of(run.people[0])

    def visit() -> None:
        while not ended.wait(0.1):
            statuses.append(requests.get(f"{url}/notifications/", headers={"Cookie": cookie}, timeout=30).status_code)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        yield statuses
    finally:
        ended.set()
        visitor.join()


@contextmanager
def polling(url: str, cookies: list[str]) -> Iterator[list[int]]:
    """Hold a long poll for each cookie, and ask again after each answer. Yield the statuses of those refused."""
    refused: list[int] = []
    asked, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def hold() -> None:
        async with session() as http:
            polls = [asyncio.create_task(wait_for_news(http, cookie)) for cookie in cookies]
            await asyncio.sleep(5)
            asked.set()
            await ended.wait()
            for poll in polls:
                poll.cancel()
            await asyncio.gather(*polls, return_exceptions=True)

    async def wait_for_news(http: aiohttp.ClientSession, cookie: str) -> None:
        wait, cursor = 0, ""
        while True:
            query = urlencode({"wait": wait, "cursor": cursor})
            async with http.get(f"{url}/live/poll/?{query}", headers={"Cookie": cookie}) as answer:
                if answer.status != HTTPStatus.OK:
                    refused.append(answer.status)
                    return
                wait, cursor = 25, (await answer.json())["cursor"]

    thread = threading.Thread(target=loop.run_until_complete, args=[hold()])
    thread.start()
    try:
        assert asked.wait(60)
        yield refused
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()
