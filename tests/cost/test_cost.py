"""No statement of the product reads much more than it returns, however many rows there are.

Every page, API route, chore and admin list runs over a large site's rows on PostgreSQL, where reading a whole table is
made unattractive. So a statement without an index reads thousands of buffers here, and fails. `python -m bench.run
million_rows` runs the same cases over ten million notifications.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections

from notifications_hub import urls
from notifications_hub.inbox.api import api
from notifications_hub.streams import store
from tests.cost.cases import cases
from tests.cost.loading import SMALL, load, vacuum, written_tables
from tests.cost.requests import PAGES, ROUTES
from tests.cost.running import run
from tests.cost.world import Case
from tests.support.databases import PostgresDatabases
from tests.support.short_numberer import short_numberer

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def large_site(databases: PostgresDatabases, django_db_setup: None, django_db_blocker: Any) -> Iterator[set[str]]:
    """Let Django use a database with the rows until the module ends. The workers of a run copy what one has loaded.

    Yield the tables in which the last case left dead rows.
    """
    before = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        try:
            use_database(databases.copy_of("large_site", load_into))
            # A thread that stayed would go on numbering in this database.
            with short_numberer():
                yield set()
        finally:
            use_database(before)


def load_into(name: str) -> None:
    before = connection.settings_dict["NAME"]
    use_database(name)
    with short_numberer():
        load(SMALL)
    use_database(before)


def use_database(name: str) -> None:
    connections.close_all()
    connection.settings_dict["NAME"] = name


@pytest.fixture
def tidy_site(large_site: set[str]) -> Iterator[None]:
    """Begin each case with the loaded rows alone, whichever case wrote before it, and other tests rolled back."""
    store._uncommitted.clear()
    vacuum(large_site)
    large_site.clear()
    yield
    large_site.update(written_tables())


@pytest.mark.django_db
@pytest.mark.usefixtures("tidy_site")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])
def test_no_statement_reads_much_more_than_it_returns(case: Case) -> None:
    dear = [str(statement) for statement in run(case, SMALL, scans=False) if statement.is_too_dear]
    assert not dear, "\n\n".join(dear)


def test_every_page_has_its_requests() -> None:
    assert set(PAGES) == {pattern.name for pattern in urls._pages if hasattr(pattern, "name")}


def test_every_api_route_has_its_requests() -> None:
    prefix = "/api/v1/"
    routes = {
        f"{method.upper()} {path.removeprefix(prefix)}"
        for path, methods in api.get_openapi_schema(path_prefix=prefix)["paths"].items()
        for method in methods
    }
    assert set(ROUTES) == routes
