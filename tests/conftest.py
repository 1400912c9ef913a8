"""Fixtures for every test.

Databases. `DATABASE_URL` names the one database of a run. Without it the run uses SQLite, always in a file. bin/test
runs on a private PostgreSQL before that, with only the tests marked `both_databases` or `postgres`. Mark a test
`both_databases` if it depends on queries of streams, deliveries, the inbox or announcements. If it is heavy and needs
no second database, add `short`: see `pyproject.toml`. Mark it `postgres` if it is about locks that SQLite does not
have; the SQLite run skips it. Tests of text, forms and rejected input that never reach the database run once.

Clocks. A test that allows the product only a second or two is marked `clocked`. Parallel workers skip it, and bin/test
runs it alone after they have ended.

People. `alice`, `bob` and `charlie` (who may see nothing) and `admin` are rows in the test's database. A `site` has its
own database and process, where people of the same names exist already, with the password "demo". The rows have another
password, since a site without `DEBUG` rejects the demo people. Starting a site takes seconds. If a test needs no
settings of its own, use the shared `quiet_site`.

Browsers. Playwright keeps an event loop running in the thread. So a test that uses `page_for` belongs in a file without
async tests, and cannot use the test's own database. Reach the site by `site.python(...)` and HTTP.
"""

from __future__ import annotations

import gc
import inspect
import math
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.test import AsyncClient, Client

from notifications_hub import cache_keys, guarded_cache
from notifications_hub.announcements.banners import current as banners
from notifications_hub.ops import health, readiness
from notifications_hub.streams import sequencer
from tests.support.browser import People, SharedChromium
from tests.support.databases import Databases, PostgresDatabases, SqliteDatabases, databases_like
from tests.support.flush import keep_content_types
from tests.support.full import FULL
from tests.support.host import migrated_host
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer
from tests.support.short_numberer import short_numberer
from tests.support.site import SharedSites, Site, reset_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from accounts.models import User
    from notifications_hub.streams.numberer import Numberer

    StartSite = Callable[..., Site]


# A busy machine is not a failure.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

IS_ONE_OF_MANY = "PYTEST_XDIST_WORKER" in os.environ
# bin/test_newest has one database, on which it runs all tests that need no browser.
IS_ON_THE_NEWEST = "WITHOUT_BROWSERS" in os.environ
# The folder of another run, whose SQLite files with tables this one copies. The guards' runs get it.
TABLES_FOLDER = os.environ.get("TABLES_FOLDER", "")
SHARED_CHROMIUM = SharedChromium()
SHARED_SITES = SharedSites()


def pytest_configure() -> None:
    # Exit on SIGTERM as on Ctrl-C, so that the run stops the processes it started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # Nothing of what imports and collection make is garbage, yet looking through it took a tenth of a run's time.
    gc.disable()
    # Sites serve static files; clients in this process do not. This async middleware would take each request through an
    # event loop and a thread, a tenth of its time, and each new client would list all files.
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if not one.startswith("servestatic.")]


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Return a short id for long text. If the text is a signed token, it even differs between parallel workers."""
    return argname if isinstance(val, str) and len(val) > 40 else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        (kept if _belongs_to_this_run(item) and _is_asked_for(item) else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def _is_asked_for(item: pytest.Item) -> bool:
    """Return whether this run includes the test. Slow proofs need the machine to themselves."""
    return FULL or all(mark.kwargs.get("short") for mark in item.iter_markers("faults"))


def _is_alone(item: pytest.Item) -> bool:
    """Return whether the full size of a proof measures the machine, so that no other test may run beside it."""
    return any(mark.kwargs.get("alone") for mark in item.iter_markers("faults"))


def _belongs_to_this_run(item: pytest.Item) -> bool:
    if IS_ONE_OF_MANY and (any(item.iter_markers("clocked")) or (FULL and _is_alone(item))):
        return False
    if not FULL and not IS_ON_THE_NEWEST and (only := _only_on(item)):
        return connection.vendor == only
    if connection.vendor == "postgresql":
        return any(item.iter_markers("both_databases")) or any(item.iter_markers("postgres"))
    return not any(item.iter_markers("postgres"))


def _only_on(item: pytest.Item) -> str:
    """Return the one database on which the short form of a heavy test runs, or an empty text."""
    mark = item.get_closest_marker("both_databases")
    only = str(mark.kwargs.get("short", "")) if mark else ""
    if only not in ("", "postgresql", "sqlite"):
        raise pytest.UsageError(f"{item.nodeid}: short={only!r} is no database, so the test would run on none")
    return only


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Use the file that `django_db_modify_db_settings` makes."""
    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    databases: SqliteDatabases | PostgresDatabases,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Put SQLite in a new file, because threads cannot share one in memory. Workers share one run of the migrations."""
    changed = {}
    if isinstance(databases, SqliteDatabases):
        changed["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        if IS_ONE_OF_MANY or TABLES_FOLDER:
            shutil.copyfile(databases.migrated(), changed["NAME"])
    elif IS_ONE_OF_MANY:
        changed["TEMPLATE"] = databases.migrated()
    settings.DATABASES["default"].setdefault("TEST", {}).update(changed)
    connection.settings_dict["TEST"].update(changed)


@pytest.fixture(scope="session", autouse=True)
def _content_types_kept() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        keep_content_types(patched)
        yield


@pytest.fixture(autouse=True)
def _no_banners_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a process that has just found no banners, so that no page asks. It asks again after a change."""
    monkeypatch.setattr(banners, "_kept", banners._Kept((), math.inf))


@pytest.fixture(autouse=True)
def _keys_of_the_cache_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo `forget_earlier_tests()` after the test that called it. The processes of later tests use the usual keys."""
    monkeypatch.setattr(cache_keys, "_prefix", cache_keys._prefix)


@pytest.fixture(autouse=True)
def _cache_asked_again() -> Iterator[None]:
    """Ask the cache again after a test in which it failed."""
    yield
    guarded_cache.forget_failures()


@pytest.fixture(autouse=True)
def _async_connections_closed(request: pytest.FixtureRequest) -> None:
    """Close the connection of an async test's ORM thread. PostgreSQL could not drop the database while it is open."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_connections_of_the_async_thread")


@pytest_asyncio.fixture
async def _connections_of_the_async_thread() -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture(autouse=True)
def _numbered_at_commit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Number events at the commit, on PostgreSQL too, so that a test can read the log at once.

    A test that uses `numberer` keeps the real one. Sites and other processes of a test number in the background.
    """
    if "numberer" not in request.fixturenames:
        monkeypatch.setattr("notifications_hub.streams.store.number_soon", sequencer.number)
        for module in ("rows.trigger_notes", "publishing", "delivery.arming"):
            monkeypatch.setattr(f"notifications_hub.{module}.run_soon", lambda chore, seconds=0: chore())


@pytest.fixture(autouse=True)
def _questions_ended() -> Iterator[None]:
    """End the threads that ask for /readyz and /metrics, whose connections would outlive the test's database."""
    yield
    readiness.end_questions()
    health.figures.end()


@pytest.fixture
def numberer() -> Iterator[Numberer]:
    """The running numberer of this process: `numberer.finish(20)` waits for it. It leaves no connection behind."""
    with short_numberer() as numberer:
        yield numberer


@pytest.fixture
def alice(db: None) -> User:
    return _person("alice", first_name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    return _person("bob", first_name="Bob")


@pytest.fixture
def charlie(db: None) -> User:
    """A person who may see nothing of the others."""
    return _person("charlie", first_name="Charlie")


@pytest.fixture
def admin(db: None) -> User:
    return _person("admin", is_staff=True, is_superuser=True)


def _person(username: str, **fields: object) -> User:
    return get_user_model().objects.create_user(username, f"{username}@example.com", "three-red-lamps", **fields)


@pytest.fixture
def client_for() -> Callable[[User], Client]:
    """Signed-in clients: `client_for(alice).get(...)`."""

    def client_for(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return client_for


@pytest.fixture
def async_client_for() -> Callable[[User], AsyncClient]:
    """Signed-in async clients. Call it outside the event loop, from a fixture, or through `sync_to_async`."""

    def async_client_for(person: User) -> AsyncClient:
        client = AsyncClient()
        client.force_login(person)
        return client

    return async_client_for


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL, in a run on SQLite too."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(_redis_server: RedisServer) -> RedisServer:
    """A private Redis, empty, and up again if the test before stopped it."""
    if not _redis_server.running:
        _redis_server.start()
    _redis_server.flush()
    return _redis_server


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder that all workers of the run share: see `once`."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if IS_ONE_OF_MANY else own


@pytest.fixture(scope="session")
def databases(
    run_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqliteDatabases | PostgresDatabases]:
    """The source of databases for sites, of the vendor that this run tests."""
    made_in = Path(TABLES_FOLDER or run_folder)
    with databases_like(_server_url(), tmp_path_factory.mktemp("sites"), made_in) as databases:
        yield databases


@pytest.fixture(scope="session")
def host_tables(run_folder: Path) -> Path:
    """A database of the README's project. Copying it is faster than to migrate for each project."""
    return migrated_host(run_folder / "host-tables")


def _server_url() -> str:
    if connection.vendor == "sqlite":
        return "sqlite://"
    parameters = connection.settings_dict
    password = f":{parameters['PASSWORD']}" if parameters["PASSWORD"] else ""
    return f"postgres://{parameters['USER']}{password}@{parameters['HOST']}:{parameters['PORT']}/postgres"


@pytest.fixture
def start_site(databases: Databases, tmp_path: Path) -> Iterator[StartSite]:
    """Start sites: `start_site(hub={"ACK_WINDOW": 1}, REDIS_URL=…)`. `DATABASE_URL=other.database_url` shares one."""
    with ExitStack() as running:

        def start_site(hub: dict[str, object] | None = None, **environment: str) -> Site:
            environment = {"DATABASE_URL": environment.get("DATABASE_URL") or databases.copy(), **environment}
            site = Site(tmp_path, hub=hub or {}, environment=environment)
            running.callback(site.close)
            return site

        yield start_site


@pytest.fixture
def site(start_site: StartSite) -> Site:
    """A running site with default settings."""
    return start_site()


@pytest.fixture(scope="session")
def _shared_site(
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    shared_sites: SharedSites,
) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("shared"), hub={}, environment={"DATABASE_URL": databases.copy()})
    with shared_sites.kept(request, site):
        yield site


@pytest.fixture
def quiet_site(_shared_site: Site) -> Site:
    """A running site that tests share, to save time. It forgets notifications, preferences and quiet hours alone."""
    reset_site(_shared_site)
    return _shared_site


@pytest.fixture(scope="session")
def _shared_chromium() -> Iterator[SharedChromium]:
    yield SHARED_CHROMIUM
    SHARED_CHROMIUM.close()


@pytest.fixture(scope="module")
def browser(_shared_chromium: SharedChromium) -> Browser:
    return _shared_chromium.open()


@pytest.fixture(scope="session")
def shared_sites() -> SharedSites:
    """The sites of the run: `with shared_sites.kept(request, site):` in a fixture of the whole run."""
    return SHARED_SITES


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Function) -> None:
    SHARED_SITES.wake(item.fixturenames)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Function, nextitem: pytest.Function | None) -> None:
    """Close the browser after the last of consecutive files that begin with a test of a page."""
    if nextitem and nextitem.path != item.path and "_shared_chromium" not in nextitem.fixturenames:
        SHARED_CHROMIUM.close()


@pytest.fixture
def people_of(browser: Browser) -> Iterator[Callable[[Site], People]]:
    """Signed-in pages, as `page_for` has, for a site that the test started itself."""
    with ExitStack() as opened:

        def people_of(site: Site) -> People:
            people = People(browser, site)
            opened.callback(people.close)
            return people

        yield people_of


@pytest.fixture
def page_for(people_of: Callable[[Site], People], site: Site) -> People:
    """Signed-in pages: `page_for("alice", "/notifications/")`; see `People`."""
    return people_of(site)


@pytest.fixture
def received() -> Iterator[list[Mapping[str, int]]]:
    """Collect the new tops that hubs receive."""
    received: list[Mapping[str, int]] = []

    def receive(tops: Mapping[str, int], **kwargs: Any) -> None:
        received.append(tops)

    sequencer.numbered.connect(receive)
    yield received
    sequencer.numbered.disconnect(receive)
