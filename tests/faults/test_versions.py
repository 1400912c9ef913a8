"""Two versions side by side: this one, and the commit before (`PREVIOUS=<commit>` takes any other).

The newer version has migrated the database. The older one may run on until it is replaced, and may come back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.faults.figures import record
from tests.faults.run import running
from tests.support.browser import People
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.processes import ROOT
from tests.support.site import Site
from tests.support.versions import environment_of, server_of, version_before

pytestmark = pytest.mark.faults(short=True)
SECONDS, RATE, PEOPLE = (40, 50, 4) if FULL else (6, 10, 2)
OlderSite = Callable[..., Site]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return version_before(tmp_path_factory.mktemp("before"))


@pytest.fixture
def older_site(before: Path, databases: Databases, tmp_path: Path) -> Iterator[OlderSite]:
    """Start sites of the version before: `older_site(other.database_url)` shares a database."""
    with ExitStack() as running:

        def older_site(database_url: str = "") -> Site:
            environment = {"DATABASE_URL": database_url or databases.copy(), **environment_of(before)}
            site = Site(tmp_path, hub={}, environment=environment, server=server_of(before))
            running.callback(site.close)
            return site

        yield older_site


@pytest.mark.both_databases(short="postgresql")
def test_processes_are_replaced_one_by_one(older_site: OlderSite, before: Path, tmp_path: Path) -> None:
    """T47: both versions serve, number and notify on one database, while each process is replaced in its turn."""
    one = older_site()
    two = older_site(one.database_url)
    open_at = [one.url]
    environment = {**one.environment, **environment_of(ROOT)}
    with running(lambda: open_at[0], environment, tmp_path, people=PEOPLE) as run:
        run.environments_of_producers = [{**environment, **environment_of(before)}, environment]
        verdict = run.prove(seconds=SECONDS, rate=RATE, happening=lambda: replace(one, two, open_at))
        failures = {failure for client in run.clients for failure in client.failures}
    record("T47", verdict)
    assert verdict.holds
    assert verdict.resets == 0
    assert 500 not in failures


def replace(one: Site, two: Site, open_at: list[str]) -> None:
    """Replace one process after the other. Clients go where the other one still is, or already is."""
    time.sleep(SECONDS / 4)
    for site, other in ((one, two), (two, one)):
        open_at[0] = other.url
        become(site, ROOT)
        time.sleep(SECONDS / 4)


def test_an_open_page_survives_an_upgrade_and_its_withdrawal(
    older_site: OlderSite, people_of: Callable[[Site], People], before: Path
) -> None:
    """T47: the scripts of one page are older than its server, and those of the other become newer."""
    site = older_site()
    opened = people_of(site)
    older = opened("alice", "/notifications/")
    count = int(older.locator("notification-bell").get_attribute("unread") or 0)
    become(site, ROOT)
    newer = opened("alice", "/notifications/")
    notify(site)
    for page in (older, newer):
        unread_is(page, count + 1)
    become(site, before)
    notify(site)
    for page in (older, newer):
        unread_is(page, count + 2)


def become(site: Site, version: Path) -> None:
    site.become(server_of(version), **environment_of(version))


def notify(site: Site) -> None:
    """Notify Alice, with the code of this version."""
    site.python("""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        people = get_user_model().objects
        notify.send(people.get(username="bob"), recipient=people.get(username="alice"), verb="replied")
    """)


def unread_is(page: Page, count: int) -> None:
    """Wait until the bell of the page counts so many, by its own connection."""
    page.wait_for_function("count => document.querySelector('notification-bell')?.unread === count", arg=count)
