"""Memory of requests from strangers: it is freed after the answer, so a process does not grow."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from tests.support.databases import Databases
from tests.support.full import FULL, report
from tests.support.memory import resident
from tests.support.processes import wait_until
from tests.support.site import BARE_UVICORN, HUB_SERVE, Site

POLLS = 300 if FULL else 60
LONG = 500_000
ALLOWED_GROWTH = 4_000_000
"""Tolerance for memory that the allocator keeps: a fraction of the bytes sent."""


# A server that bounds the head of a request keeps less of it, so only `make exhaustive` asks that one too.
BOUNDED = [pytest.param(HUB_SERVE, id="hub_serve", marks=pytest.mark.exhaustive)] if FULL else []


@pytest.fixture(scope="module", params=[pytest.param(BARE_UVICORN, id="uvicorn by itself"), *BOUNDED])
def site(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    # glibc returns large blocks only with a fixed threshold. Memory that it keeps is not memory that Python keeps.
    environment = {"DATABASE_URL": databases.copy(), "MALLOC_MMAP_THRESHOLD_": "65536"}
    site = Site(tmp_path_factory.mktemp("site"), hub={}, environment=environment, server=request.param)
    yield site
    site.close()


@pytest.mark.faults(short=True)
@pytest.mark.parametrize("name", ["Origin", "Host"])
def test_long_headers_from_strangers_are_not_kept(site: Site, name: str) -> None:
    for number in range(5):
        ask(site, name, number)
    server = [site.process_id]
    before = resident(server)
    statuses = {ask(site, name, number) for number in range(5, 5 + POLLS)}
    at_once = resident(server) - before

    assert statuses <= {400, 403, 431}
    # Garbage in reference cycles stays until it is collected.
    wait_until(lambda: resident(server) - before < ALLOWED_GROWTH, seconds=30, what="as little memory as before")
    kept = resident(server) - before
    report(f"{POLLS} polls of {LONG:,} characters in {name}: {at_once / 1e6:.1f} MB, of which {kept / 1e6:.1f} stay")


def ask(site: Site, name: str, number: int) -> int:
    """Return the status of a poll with a long, unique header."""
    long = f"{number}x".ljust(LONG, "x")
    line = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    line.putrequest("GET", "/live/poll/?wait=0", skip_host=name == "Host")
    if name == "Host":
        line.putheader("Host", long)
    line.putheader("Origin", f"http://{long}")
    line.endheaders()
    status = line.getresponse().status
    line.close()
    return status
