"""Fixtures of live tests. All files share one site, because connections leave only rows behind.

A test that changes a person creates one for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import count

import pytest

from tests.live.support import HURRIED
from tests.support.databases import Databases
from tests.support.live import EVERY, HELD, LiveClient, listening_by
from tests.support.site import Site, Visitor

Listen = Callable[..., AbstractContextManager[LiveClient]]
_numbers = count(1)


@pytest.fixture(scope="session")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    environment = {"DATABASE_URL": databases.copy(), **HURRIED}
    site = Site(tmp_path_factory.mktemp("site"), hub={}, environment=environment)
    yield site
    site.close()


@pytest.fixture(params=EVERY)
def by(request: pytest.FixtureRequest) -> str:
    """Return each kind of connection. A test for only some kinds names them with `parametrize`."""
    return str(request.param)


@pytest.fixture(params=HELD)
def held_by(request: pytest.FixtureRequest) -> str:
    """Return each kind of connection that a server can close."""
    return str(request.param)


@pytest.fixture
def listen(by: str, site: Site) -> Listen:
    """Return a function that opens connections: `listen("alice", topics=["inbox"], cursor="…")`."""
    return partial(listening_by, by, site)


@pytest.fixture
def newcomer(site: Site) -> str:
    """Return the username of a new person, whose account a test may change freely."""
    name = f"newcomer{next(_numbers)}"
    site.python(f"""
        from django.contrib.auth import get_user_model
        get_user_model().objects.create_user({name!r}, password="demo")
    """)
    return name


@pytest.fixture
def topic() -> str:
    """Return a topic without listeners so far."""
    return f"open.t{next(_numbers)}"


@pytest.fixture
def visitor(site: Site, newcomer: str) -> Visitor:
    """Return a separate browser, so that signing out in it ends no other test's session."""
    return site.visitor(newcomer)
