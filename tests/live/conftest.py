"""One site for a whole file: connections leave nothing behind but rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import Databases
from tests.support.site import Site


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"), hub={}, environment={"DATABASE_URL": databases.copy()})
    yield site
    site.close()
