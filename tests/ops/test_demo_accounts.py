"""Demo people with the known password, in the database of a site without `DEBUG`."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError

from accounts.models import User
from notifications_hub.asgi import live_application
from notifications_hub.checks import check_demo_people
from notifications_hub.live import server
from notifications_hub.ops import demo
from tests.inbox.support import queries_of
from tests.support import warm
from tests.support.databases import Databases
from tests.support.processes import free_port
from tests.support.site import Site, site_environment

if TYPE_CHECKING:
    from pytest_django import Settings

    StartSite = Callable[..., Site]

both_databases = pytest.mark.both_databases
# The query is tested on both. Each process that makes it at its start takes two seconds.
short = pytest.mark.both_databases(short="sqlite")
PRODUCTION: dict[str, str] = {
    "DEBUG": "0",
    "SECRET_KEY": "twelve-lamps-in-the-harbour-of-a-town-without-a-name-0123456789",
    "ALLOWED_HOSTS": "127.0.0.1",
    "SECURE_SSL_REDIRECT": "0",
}
REFUSED = "still has the demo password"
REMEDY = "hub_demo --remove"


@pytest.fixture
def production(databases: Databases) -> dict[str, str]:
    """Return the environment of a site without `DEBUG`, on a database that has served the demo."""
    return site_environment(DATABASE_URL=databases.copy()) | PRODUCTION


def python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return warm.run(arguments, environment=environment, seconds=60)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(("-m", "uvicorn", "config.asgi:application", "--port", "{port}"), id="asgi", marks=both_databases),
        pytest.param(("-c", "import config.wsgi"), id="wsgi", marks=short),
        pytest.param(("manage.py", "hub_worker"), id="worker", marks=short),
        pytest.param(("-m", "celery", "-A", "config", "worker", "--pool=solo"), id="celery", marks=short),
    ],
)
def test_a_site_without_debug_does_not_start_beside_demo_people(
    production: dict[str, str], start: tuple[str, ...]
) -> None:
    broker = {"CELERY_BROKER_URL": "memory://"} if "celery" in start else {}
    ended = python(production | broker, *(word.format(port=free_port()) for word in start))

    assert ended.returncode != 0
    assert f"alice, bob, charlie, admin: {REFUSED}" in ended.stdout + ended.stderr
    assert REMEDY in ended.stdout + ended.stderr


@pytest.mark.both_databases(short="sqlite")
def test_the_site_starts_after_the_demo_is_removed_and_nobody_can_sign_in(
    production: dict[str, str], start_site: StartSite
) -> None:
    assert "Deleted: alice, bob, charlie, admin." in python(production, "manage.py", "hub_demo", "--remove").stdout
    site = start_site(**{name: production[name] for name in ("DATABASE_URL", *PRODUCTION)})
    visitor = site.visitor()
    visitor.get("/accounts/login/", headers={"X-Forwarded-Proto": "https"})
    page = visitor.post("/accounts/login/", data={"username": "admin", "password": "demo"})

    assert page.status_code != 302
    assert "sessionid" not in visitor.cookies
    assert "None of" in python(production, "manage.py", "hub_demo", "--remove").stdout


def test_check_and_doctor_name_the_demo_people_and_the_remedy(production: dict[str, str]) -> None:
    checked = python(production, "manage.py", "check", "--deploy")
    doctor = python(production, "manage.py", "hub_doctor")

    for command in (checked, doctor):
        assert command.returncode != 0
        assert REFUSED in command.stdout + command.stderr
        assert REMEDY in command.stdout + command.stderr


def test_the_check_is_silent_without_a_database() -> None:
    away = site_environment(DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing") | PRODUCTION
    empty = site_environment(DATABASE_URL="sqlite://:memory:") | PRODUCTION

    for environment in (away, empty):
        checked = python(environment, "manage.py", "check", "--deploy")
        assert checked.returncode == 0, checked.stderr
        assert "notifications_hub" not in checked.stderr


@both_databases
@pytest.mark.django_db
def test_demo_people_cost_one_query_and_one_hash_to_find(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.make_people()
    hashed: list[str] = []

    def counted(password: str, stored: str) -> bool:
        hashed.append(stored)
        return check_password(password, stored)

    monkeypatch.setattr("notifications_hub.ops.demo.check_password", counted)

    assert queries_of(demo.open_accounts) == 1
    assert len(hashed) == 1


@both_databases
@pytest.mark.django_db
def test_only_people_with_the_known_password_are_refused_and_removed(settings: Settings, bob: User) -> None:
    demo.make_people()
    User.objects.filter(username="charlie").update(is_active=False)
    User.objects.filter(username="admin").update(password=make_password("three-green-lamps"))

    assert demo.refusal().startswith("alice: ")
    assert [message.id for message in check_demo_people(None)] == ["notifications_hub.E010"]
    assert demo.remove_people() == ["alice"]
    assert set(User.objects.values_list("username", flat=True)) == {"bob", "charlie", "admin"}
    assert demo.refusal() == ""


@pytest.mark.django_db
def test_a_site_with_debug_accepts_demo_people(settings: Settings) -> None:
    demo.make_people()
    settings.DEBUG = True

    assert demo.refusal() == ""
    assert check_demo_people(None) == []


@pytest.mark.django_db
def test_removing_the_demo_also_removes_the_data_that_the_site_added(settings: Settings) -> None:
    settings.DEBUG = True
    call_command("hub_demo", verbosity=0)
    settings.DEBUG = False
    call_command("hub_demo", remove=True, verbosity=0)

    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_unreachable_database_does_not_keep_a_site_from_starting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> list[User]:
        raise DatabaseError

    monkeypatch.setattr(demo, "open_accounts", away)

    assert demo.check_at_start() == ""
    assert "Could not check for demo accounts" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_server_without_a_lifespan_serves_nothing_beside_demo_people(monkeypatch: pytest.MonkeyPatch) -> None:
    services = server._Services()
    monkeypatch.setattr(server, "_services", services)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    served: list[str] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        served.append(scope["path"])

    application = live_application(page)

    async def ask() -> None:
        try:
            await application({"type": "http", "path": "/"}, None, None)
        finally:
            await services.stop()

    demo.make_people()
    with pytest.raises(ImproperlyConfigured, match=REMEDY):
        asyncio.run(ask())
    demo.remove_people()
    try:
        asyncio.run(ask())
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    assert served == ["/"]
