"""A host with a primary and a replica, and the router of Django's documentation. The replica never changes.

Its data is older than every notification.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.hosts.test_recipe import NOTIFY, OTHER_URLS, PAGE, PEOPLE
from tests.support.host import Host
from tests.support.site import Shell, Visitor

DATABASES = """
DATABASES = {
    "default": {},
    "primary": {**DATABASES["default"], "NAME": BASE_DIR / "primary.sqlite3"},
    "replica": {**DATABASES["default"], "NAME": BASE_DIR / "replica.sqlite3"},
}
DATABASE_ROUTERS = ["host.routers.PrimaryReplicaRouter"]
SESSION_ENGINE = "django.contrib.sessions.backends.file"
LOGIN_REDIRECT_URL = "/"
"""
ROUTER = """
class PrimaryReplicaRouter:
    def db_for_read(self, model, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "primary"

    def allow_relation(self, obj1, obj2, **hints):
        return {obj1._state.db, obj2._state.db} <= {"primary", "replica"}

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return True
"""
NUMBER = """
from django.db import connections, reset_queries
from notifications_hub import publish, streams
reset_queries()
connections["primary"].force_debug_cursor = True
publish("post.9", "counted", {})
streams.number_everything()
assert len(connections["primary"].queries) < 20, len(connections["primary"].queries)
assert streams.Event.objects.get(topic="post.9").seq == 1
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    host = Host(tmp_path_factory.mktemp("replicas"))
    host.follow_the_readme()
    host.add("settings.py", DATABASES)
    host.add("host/routers.py", ROUTER)
    host.add("urls.py", OTHER_URLS)
    host.add("templates/page.html", PAGE)
    host.manage("migrate", "--database", "primary", "--verbosity", "0")
    shutil.copy(host.folder / "primary.sqlite3", host.folder / "replica.sqlite3")
    return host


@pytest.fixture(scope="module")
def shell(host: Host) -> Iterator[Shell]:
    """A shell of the host, in which the people have come to both databases."""
    with closing(host.shell()) as shell:
        shell.python(PEOPLE)
        # The rows are in the file itself once nobody has it open.
        shell.python("from django.db import connections; connections.close_all()")
        shutil.copy(host.folder / "primary.sqlite3", host.folder / "replica.sqlite3")
        yield shell


@pytest.fixture(scope="module")
def address(host: Host, shell: Shell) -> Iterator[str]:
    program, address = host.serve()
    yield address
    program.stop()


@pytest.fixture
def alice(address: str) -> Visitor:
    alice = Visitor(address)
    alice.sign_in("alice")
    return alice


def test_the_checks_pass(shell: Shell) -> None:
    shell.python("from django.core.management import call_command")
    shell.python("call_command('check', databases=['primary'], fail_level='WARNING')")


def test_an_open_page_and_the_inbox_show_a_new_notification(shell: Shell, address: str, alice: Visitor) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in alice.cookies.items())
    live = address.replace("http", "ws") + "/live/ws/"
    with connect(live, origin=Origin(address), additional_headers={"Cookie": cookies}) as socket:
        socket.recv(timeout=30)
        shell.python(NOTIFY)
        [event] = json.loads(socket.recv(timeout=30))["events"]
    item = event["data"]["id"]
    page = alice.get("/api/v1/notifications/").json()
    assert item in [one["id"] for one in page["results"]]
    alice.get("/notifications/")
    csrf = {"X-CSRFToken": alice.cookies["csrftoken"]}
    assert alice.post("/api/v1/notifications/read/", json={"ids": [item]}, headers=csrf).json() == {"changed": 1}
    assert alice.get("/api/v1/notifications/").json()["results"][0]["unread"] is False


def test_a_page_flashes_an_undelivered_notification_once(shell: Shell, alice: Visitor) -> None:
    shell.python(NOTIFY)
    assert "bob waved" in alice.get("/").text
    assert "bob waved" not in alice.get("/").text


def test_numbering_does_not_depend_on_the_replica(shell: Shell) -> None:
    shell.python(NUMBER)


def test_a_site_with_a_replica_is_ready(alice: Visitor) -> None:
    assert alice.get("/readyz").status_code == 200
