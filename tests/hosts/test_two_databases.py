"""A router that sends the hub to another database than `default`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.host import Host
from tests.support.host_project import PEOPLE, HostProject
from tests.support.live import EVERY, WEBSOCKET

ONLY_FULL = [pytest.mark.faults, pytest.mark.exhaustive]
EVERY_IF_FULL = [by if by == WEBSOCKET else pytest.param(by, marks=ONLY_FULL) for by in EVERY]
"""bin/test opens the first kind of connection. The kinds share the code that reads the database."""
SECTION = "Two databases"
FAULTS = """
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import OperationalError, connections
from host import routers
from notifications_hub.ops.doctor import examine

def faults():
    return [f"{one.id}: {one.msg}" for one in run_checks() if one.id.startswith("notifications_hub.E")]
"""
MIGRATE = """
try:
    call_command("migrate", database="people", skip_checks=True, verbosity=0)
except OperationalError as error:
    print(error)
"""
ROLLED_BACK = """
from django.db import transaction
for using in ("people", "default"):
    try:
        with transaction.atomic(using=using):
            notify.send(person("bob"), recipient=person("charlie"), verb=f"wrote in {using}")
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
print(*Notification.objects.filter(recipient=person("charlie")).values_list("verb", flat=True), sep=",")
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    host = Host(tmp_path_factory.mktemp("databases"))
    host.follow_the_readme()
    host.add_pages()
    host.follow_section(SECTION)
    return host


@pytest.fixture(scope="module")
def project(host: Host) -> Iterator[HostProject]:
    with HostProject(host) as project:
        project.manage("migrate")
        project.manage("migrate", "--database", "people")
        project.python(PEOPLE)
        project.start()
        yield project


@pytest.mark.parametrize("by", EVERY_IF_FULL)
def test_an_open_page_receives_a_notification(project: HostProject, by: str) -> None:
    with project.listening(project.visitor("alice"), by=by) as alice:
        project.python('notify.send(person("bob"), recipient=person("alice"), verb="waved", target=person("bob"))')
        assert alice.until("notification.created")["data"]["title"] == "bob waved bob"


def test_pages_and_announcements_work(project: HostProject) -> None:
    bob = project.visitor("bob")
    project.python('broadcast(title="To everyone", by=person("alice"))')
    project.python('notify.send(person("alice"), recipient=person("bob"), verb="called")')
    assert "alice called" in bob.get("/").text
    assert "To everyone" in bob.get("/notifications/").text
    assert "Traceback" not in project.log


def test_only_a_transaction_of_the_hubs_database_takes_a_notification_back(project: HostProject) -> None:
    assert project.python(ROLLED_BACK) == "wrote in default"


def test_the_doctor_finds_every_table(project: HostProject) -> None:
    project.python("from notifications_hub.ops.doctor import examine")
    assert project.python("print(*[one.about for one in examine() if not one.good])") == ""


@pytest.fixture(scope="module")
def elsewhere(host: Host, project: HostProject) -> Iterator[HostProject]:
    """The same project, whose router a test may change."""
    with HostProject(host) as elsewhere:
        elsewhere.python(FAULTS)
        yield elsewhere


@pytest.mark.parametrize(
    ("apps", "named"),
    [(["notifications_hub"], "ContentType, Group, User"), (["notifications_hub", "auth"], "ContentType")],
    ids=["the hub alone", "without content types"],
)
def test_a_router_that_separates_what_the_hub_refers_to_is_refused(
    elsewhere: HostProject, apps: list[str], named: str
) -> None:
    faults = elsewhere.python(f"routers.APPS = {set(apps)}\nprint(*faults(), sep='\\n')")
    assert f"notifications_hub.E014: A database router writes {named} to a different database" in faults


def test_the_doctor_names_the_tables_that_a_router_kept_away(elsewhere: HostProject, tmp_path: Path) -> None:
    elsewhere.python(f"connections['people'].settings_dict['NAME'] = {str(tmp_path / 'new.sqlite3')!r}")
    elsewhere.python("routers.APPS = {'notifications_hub', 'auth'}")
    # Django itself fails at the end, when it looks for the content types of the permissions.
    elsewhere.python(MIGRATE)
    answer = elsewhere.python("print(dict((one.about, one.words) for one in examine())['tables'])")
    assert answer.startswith("django_content_type missing in the database 'people'")


def test_a_router_that_forbids_the_hubs_tables_is_refused(elsewhere: HostProject) -> None:
    elsewhere.python("routers.PeopleRouter.allow_migrate = lambda self, db, app_label, **hints: db == 'default'")
    assert "notifications_hub.E019" in elsewhere.python("print(*faults())")
