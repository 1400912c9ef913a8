"""Sites with few database connections: the hub leaves them to the pages.

bin/test has a pool and PgBouncer. `make exhaustive` has connections without age too.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import environ
import pytest
import requests

from tests.live.support import poke
from tests.support.databases import Databases
from tests.support.full import FULL, report
from tests.support.live import LONG_POLL, SSE, WEBSOCKET, LiveClient, listening_by
from tests.support.pgbouncer import PgBouncer
from tests.support.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.faults(short=True)]

SIZE = 4
STREAMS = (WEBSOCKET, SSE, LONG_POLL) * (8 if FULL else 3)
SECONDS = 25.0 if FULL else 2.0
ROOM = {"LIVE_PER_USER": "100", "LIVE_PER_ADDRESS": "0"}


@pytest.fixture(params=["pool", "PgBouncer", *([pytest.param("no age", marks=pytest.mark.exhaustive)] if FULL else [])])
def site(databases: Databases, tmp_path: Any, request: pytest.FixtureRequest) -> Iterator[Site]:
    url = databases.copy()
    with ExitStack() as running:
        if request.param == "PgBouncer":
            url = running.enter_context(PgBouncer(url, SIZE)).url
        database: dict[str, Any] = environ.Env.db_url_config(url)
        if request.param == "pool":
            database["OPTIONS"] = {"pool": {"min_size": 1, "max_size": SIZE, "timeout": 3}}
        database["DISABLE_SERVER_SIDE_CURSORS"] = request.param == "PgBouncer"
        environment = {"DATABASE_URL": url, "TEST_SETTINGS": json.dumps({"DATABASES": {"default": database}}), **ROOM}
        site = Site(tmp_path, hub={}, environment=environment)
        running.callback(site.close)
        # Starting the shell must not count in the measurement.
        site.python("")
        yield site


def test_open_streams_leave_database_connections_to_pages_and_get_everything(site: Site) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            statuses.append(requests.get(f"{site.url}/readyz", timeout=30).status_code)
            time.sleep(0.05)

    # The watchers stop first, after a failure too: the pool waits for them.
    with ThreadPoolExecutor(2) as watchers, ExitStack() as opened:
        opened.callback(stop.set)
        clients = [opened.enter_context(listening_by(by, site, "alice")) for by in STREAMS]
        for client in clients:
            client.frame()
        watching = [watchers.submit(watch) for _ in range(2)]
        sent = notify_for(SECONDS, site)
        for client in clients:
            receive(client, sent)
        stop.set()
        for one in watching:
            one.result()
    report(f"{len(clients)} streams, {sent} notifications, {len(statuses)} times /readyz: {set(statuses)}")
    assert len(statuses) > SECONDS
    assert set(statuses) == {200}
    assert "Traceback" not in site.log


def notify_for(seconds: float, site: Site) -> int:
    """Send notifications to Alice for some time. Return their number."""
    until, sent = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        poke(site)
        sent += 1
        time.sleep(0.1)
    return sent


def receive(client: LiveClient, times: int) -> None:
    for _ in range(times):
        client.until("notification.created")
