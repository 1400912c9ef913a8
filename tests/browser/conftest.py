"""A site that shows every state, shared by the files whose tests look at all pages and leave them as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import Databases
from tests.support.every_state import EVERY_STATE
from tests.support.site import SharedSites, Site


@pytest.fixture(scope="session")
def site_of_every_state(
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    shared_sites: SharedSites,
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("every-state")
    site = Site(folder, hub={}, environment={"DATABASE_URL": databases.copy()})
    with shared_sites.kept(request, site):
        site.python(EVERY_STATE)
        yield site
