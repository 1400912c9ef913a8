"""One cluster for all tests of this folder, which leave it running: starting one takes half a minute."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.support.cluster import WEBS, Cluster

_numbers = count(1)


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    room = {"LIVE_PER_USER": "1000", "LIVE_PER_ADDRESS": "0"}
    with Cluster(environment={"DJANGO_SETTINGS_MODULE": "tests.faults.cluster.settings", **room}) as cluster:
        yield cluster


@pytest.fixture
def topic() -> str:
    """A topic of the log without events so far, which anyone signed in may listen to."""
    return f"open.c{next(_numbers)}"


@pytest.fixture
def _no_traceback(cluster: Cluster) -> Iterator[None]:
    """Assert that no web process logs an unexpected error meanwhile."""
    before = {part: len(cluster.log(part)) for part in WEBS}
    yield
    for part, length in before.items():
        log = cluster.log(part)[length:]
        assert "Traceback" not in log, f"{part}: {log[-4000:]}"
