"""Fixtures of live tests. One site serves all files: connections leave only rows, and each changed person is new."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import connection

from tests.live.support import HURRIED
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.live import EVERY, HELD, WEBSOCKET, LiveClient, listening_by
from tests.support.site import SharedSites, Site, Visitor

Listen = Callable[..., AbstractContextManager[LiveClient]]
_numbers = count(1)


@pytest.fixture(scope="session")
def site(_live_site: Site) -> Site:
    return _live_site


@pytest.fixture(scope="session")
def _live_site(
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    shared_sites: SharedSites,
) -> Iterator[Site]:
    """Return the site behind `site`.

    It has a name of its own because `SharedSites` goes by fixture names, and other folders have a `site` too.
    """
    environment = {"DATABASE_URL": databases.copy(), **HURRIED}
    site = Site(tmp_path_factory.mktemp("site"), hub={}, environment=environment)
    with shared_sites.kept(request, site):
        yield site


@pytest.fixture(scope="session")
def revalidating_site(
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    shared_sites: SharedSites,
) -> Iterator[Site]:
    """A site that re-validates each second, and has an audience of early birds."""
    hurry = json.dumps({**json.loads(HURRIED["TEST_HURRY"]), "revalidation.CHECK_SECONDS": 1.0})
    environment = {"DATABASE_URL": databases.copy(), **HURRIED, "TEST_HURRY": hurry}
    audiences = {"AUDIENCES": {"early": "tests.live.hurry.audiences.early_birds"}}
    site = Site(tmp_path_factory.mktemp("revalidating"), hub=audiences, environment=environment)
    with shared_sites.kept(request, site):
        yield site


def _tested(kinds: Sequence[str]) -> list[Any]:
    """Return the kinds of connection as parameters.

    All send the same statements. So on PostgreSQL only `make exhaustive` repeats the tests of SQLite for each kind, and
    `tests/faults/test_ledger.py` always runs clients of all kinds.
    """
    if connection.vendor == "sqlite":
        return list(kinds)
    others = [pytest.param(kind, marks=pytest.mark.exhaustive) for kind in kinds if kind != WEBSOCKET]
    return [WEBSOCKET, *others] if FULL else [WEBSOCKET]


@pytest.fixture(params=_tested(EVERY))
def by(request: pytest.FixtureRequest) -> str:
    """Every kind of connection. A test for only some kinds uses `parametrize` instead."""
    return str(request.param)


@pytest.fixture(params=_tested(HELD))
def held_by(request: pytest.FixtureRequest) -> str:
    """The kinds of connection that a server can end."""
    return str(request.param)


@pytest.fixture
def listen(by: str, site: Site) -> Listen:
    """Return a function that opens connections: `listen("alice", topics=["inbox"], cursor="…")`."""
    return partial(listening_by, by, site)


@pytest.fixture
def newcomer(site: Site) -> str:
    """The username of a new account, which a test may change freely."""
    name = f"newcomer{next(_numbers)}"
    site.python(f"""
        from django.contrib.auth import get_user_model
        get_user_model().objects.create_user({name!r}, password="demo")
    """)
    return name


@pytest.fixture
def topic() -> str:
    """A topic without listeners so far."""
    return f"open.t{next(_numbers)}"


@pytest.fixture
def visitor(site: Site, newcomer: str) -> Visitor:
    """A separate browser, so that signing out ends no other test's session."""
    return site.visitor(newcomer)
