"""T27: a proxy that buffers and compresses, one that holds streams back, and a process that compresses everything."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.faults.figures import record
from tests.faults.pages import BEST, NodePage
from tests.live.support import cursor_at
from tests.support.cluster import Cluster
from tests.support.live import LONG_POLL, WEBSOCKET, cookie_of, opened
from tests.support.site import Site
from tests.support.web import CONFIGURATION, Nginx

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True), pytest.mark.usefixtures("_no_traceback")]

TIMES = 5
AT_ONCE, NOTICED = 1.0, 45.0
HOLDING = CONFIGURATION.replace(
    "location / {{",
    """location /live/ws/ {{ return 502; }}
        proxy_ignore_headers X-Accel-Buffering;
        proxy_buffer_size 64k;
        proxy_buffers 8 64k;
        proxy_busy_buffers_size 128k;
        location / {{""",
)
"""A proxy of an office: without WebSockets, and no stream passes before it ends."""


@pytest.fixture(params=["buffers by default", "in front of GZipMiddleware"])
def url(cluster: Cluster, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an nginx with its defaults, which compresses too."""
    if request.param.startswith("buffers"):
        with Nginx(ports_of(cluster)) as nginx:
            yield nginx.url
        return
    environment = {**cluster.environment, "DJANGO_SETTINGS_MODULE": "tests.faults.cluster.compressing"}
    site = Site(tmp_path, hub={}, environment=environment)
    try:
        with Nginx([site.port]) as nginx:
            yield nginx.url
    finally:
        site.close()


def test_events_pass_a_proxy_that_buffers_and_compresses_at_once(
    cluster: Cluster, url: str, topic: str, request: pytest.FixtureRequest
) -> None:
    cookie, waits = cookie_of(cluster, "alice"), []
    cluster.python("from notifications_hub import publish")

    def publish(number: int) -> float:
        cluster.python(f"publish({topic!r}, 'counted', {{'n': {number}}})")
        return time.monotonic()

    for by in (WEBSOCKET, LONG_POLL):
        with opened(by, url, cookie, topics=[topic]) as client:
            client.frame()
            for number in range(TIMES):
                committed = publish(number)
                assert client.until("counted")["data"] == {"n": number}
                waits.append(time.monotonic() - committed)
    with streamed(f"{url}/live/sse/?topic={topic}", cookie) as frames:
        next(frames)
        for number in range(TIMES):
            committed = publish(number)
            assert [event["data"] for event in next(frame for frame in frames if frame)] == [{"n": number}]
            waits.append(time.monotonic() - committed)
    record(f"T27 {request.node.callspec.id}", events=len(waits), worst_event_seconds=max(waits))
    assert max(waits) <= AT_ONCE


@contextmanager
def streamed(address: str, cookie: str) -> Iterator[Iterator[list[dict[str, object]]]]:
    """Open a stream as a browser does, which takes compressed ones too. Yield the events of each frame."""
    headers = {"Cookie": cookie, "Accept": "text/event-stream", "Accept-Encoding": "gzip"}
    with requests.get(address, headers=headers, stream=True, timeout=60) as answer:
        assert answer.ok
        lines = (line for line in answer.iter_lines(chunk_size=1) if line.startswith(b'data: {"events"'))
        yield (json.loads(line.removeprefix(b"data: "))["events"] for line in lines)


def test_a_page_leaves_a_proxy_that_holds_streams_back(cluster: Cluster, topic: str) -> None:
    cursor = cursor_of_new(cluster, topic)
    with Nginx(ports_of(cluster), HOLDING) as nginx:
        began = time.monotonic()
        with NodePage(f"{nginx.url}/", cookie_of(cluster, "alice"), BEST, topic, cursor) as page:
            page.wait_for([1], seconds=2 * NOTICED)
            noticed = time.monotonic() - began
            sent = time.monotonic()
            cluster.python(f"publish({topic!r}, 'counted', {{'n': 2}})")
            page.wait_for([1, 2])
            waited = time.monotonic() - sent
    record("T27 holds streams back", fallback_seconds=noticed, next_event_seconds=waited)
    assert noticed <= NOTICED
    assert waited <= AT_ONCE


def cursor_of_new(cluster: Cluster, topic: str) -> str:
    """Publish an event on a new topic. Return the cursor before it."""
    cluster.python(f"from notifications_hub import publish; publish({topic!r}, 'counted', {{'n': 1}})")
    return cursor_at(cluster, topic, seq=0)


def ports_of(cluster: Cluster) -> list[int]:
    return [urlsplit(url).port or 80 for url in cluster.web_urls]
