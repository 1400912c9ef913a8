"""A reconnect storm: everybody comes back at the same moment, to one process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.run import running
from tests.support.live import WEBSOCKET
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site

CLIENTS, PEOPLE = 2_000, 400
CAUGHT_UP_SECONDS = 10.0


@pytest.mark.postgres
@pytest.mark.faults(alone=True)
def test_two_thousand_pages_that_return_at_once_are_caught_up_in_seconds(
    start_site: Callable[..., Site], redis_server: RedisServer, tmp_path: Path
) -> None:
    """T20: the only process is killed and starts again. Nobody is refused, and nobody misses what came meanwhile."""
    site = start_site(REDIS_URL=redis_server.url)
    took: list[float] = []
    with running(
        site.url, site.environment, tmp_path, people=PEOPLE, clients=CLIENTS, kinds=(WEBSOCKET,)
    ) as run:  # fmt: skip

        def restart() -> None:
            run.until_produced()
            site.kill()
            for client in run.clients:
                client.ready.clear()
            site.start()
            began = time.monotonic()
            wait_until(lambda: all(client.ready.is_set() for client in run.clients), seconds=120, what="every page")
            took.append(time.monotonic() - began)

        verdict = run.prove(seconds=30, rate=20, happening=restart)
        statuses = Counter(status for client in run.clients for status in client.failures)
    record("T20", verdict, caught_up_seconds=took[0], server_errors=statuses[500])
    assert verdict.holds
    assert statuses[500] == 0
    assert took[0] <= CAUGHT_UP_SECONDS
