"""A project whose users have primary keys of another type than Django's: one run through all features of the hub.

Text keys run on SQLite and UUIDs on PostgreSQL. `FULL=1` runs both on both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifications_hub.live.close_codes import SESSION_OVER
from notifications_hub.transports.web_push import vapid
from tests.support.full import FULL
from tests.support.host import Host
from tests.support.live import WEBSOCKET, opened
from tests.support.live_client import LiveClient
from tests.support.postgres import create_database, drop_database
from tests.support.site import Shell, Visitor

pytestmark = [pytest.mark.both_databases, pytest.mark.exhaustive, pytest.mark.faults(short=True)]

MODEL = """
import uuid
from django.contrib.auth.models import AbstractUser
from django.db import models

class User(AbstractUser):
    id = {field}
"""
FIELDS = {
    "text": "models.CharField(primary_key=True, max_length=250)",
    "UUID": "models.UUIDField(primary_key=True, default=uuid.uuid4)",
}
LONG = "Ann Müller/安妮: <ann@example.com> …".ljust(150, "x") + "\\'\"%"
PEOPLE = {
    "text": f"[{LONG!r}, 'ann@example.com', 'sha256.' + 'A' * 43]",
    "UUID": "[__import__('uuid').uuid4() for _ in range(3)]",
}
URL = os.environ.get("DATABASE_URL", "")
ON_POSTGRES = URL.startswith("postgres")
NAMES = ("alice", "bob", "charlie")
SETTINGS = """
import warnings
from django.core.cache.backends.base import CacheKeyWarning
warnings.simplefilter("error", CacheKeyWarning)
INSTALLED_APPS += ["people"]
AUTH_USER_MODEL = "people.User"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
NOTIFICATIONS_HUB = {{
    "VAPID_PRIVATE_KEY": {key!r},
    "VAPID_SUBJECT": "mailto:ops@host.example",
    "PUSH_EXTRA_HOSTS": ["127.0.0.1:9"],
    "AUDIENCES": {{"all": "people.audience.everybody"}},
}}
"""
AUDIENCE = """
from django.contrib.auth import get_user_model

def everybody():
    return get_user_model().objects.all()
"""
URLS = """
from django.contrib.auth.views import LoginView, LogoutView
from django.views.generic import TemplateView
urlpatterns += [
    path("accounts/login/", LoginView.as_view(template_name="admin/login.html")),
    path("accounts/logout/", LogoutView.as_view(next_page="/")),
    path("", TemplateView.as_view(template_name="page.html")),
]
"""
PAGE = """
{% load notifications_hub %}<!doctype html><title>Host</title>{% notification_bell %}
{% for message in messages %}{{ message }}{% endfor %}
"""
TABLES = """manage.py makemigrations people --verbosity 0
manage.py check --fail-level ERROR
manage.py migrate --verbosity 0"""
NAMED = """
from django.contrib.auth.models import Group
from notifications.signals import notify
from notifications_hub import broadcast, revoke
from notifications_hub.models import Delivery, Notification, Preference, PushSubscription
from people.models import User

def person(name):
    return User.objects.get(username=name)

def notified(name):
    return Notification.objects.filter(recipient=person(name)).latest("pk")
"""


@dataclass(frozen=True)
class Running:
    address: str
    shell: Shell
    log: Path

    def visitor(self, name: str) -> Visitor:
        visitor = Visitor(self.address)
        visitor.sign_in(name)
        return visitor

    @contextmanager
    def listening(self, visitor: Visitor, *topics: str) -> Iterator[LiveClient]:
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        with opened(WEBSOCKET, self.address, cookie, topics=topics) as client:
            client.frame()
            yield client

    def python(self, code: str) -> str:
        return self.shell.python(code)

    def add(self, name: str) -> None:
        """Add a person whom one test changes, because parallel workers run these tests in any order."""
        self.python(f"User.objects.create_user({name!r}, password='demo', id=__import__('uuid').uuid4())")


@contextmanager
def _database(name: str) -> Iterator[str]:
    """Yield settings for a database like this run's. On SQLite they are empty, as the project has its own file."""
    if not ON_POSTGRES:
        yield ""
        return
    create_database(URL, name)
    try:
        named = urlsplit(URL)._replace(path=f"/{name}").geturl()
        yield f"import environ\nDATABASES = {{'default': environ.Env.db_url_config({named!r})}}\n"
    finally:
        drop_database(URL, name)


@pytest.fixture(scope="module", params=FIELDS if FULL else ["UUID" if ON_POSTGRES else "text"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("host")
    with _database(f"host_{request.param.lower()}_{os.getpid()}") as settings:
        project = _project(Host(folder), request.param, settings)
        program, address = project.serve()
        shell = project.shell()
        shell.python(NAMED)
        people = f"zip({NAMES!r}, {PEOPLE[request.param]})"
        shell.python(f"for name, pk in {people}: User.objects.create_user(name, password='demo', id=pk)")
        yield Running(address, shell, folder / "log")
        shell.close()
        program.stop()


def _project(host: Host, kind: str, database: str) -> Host:
    host.follow_the_readme()
    host.add("people/models.py", MODEL.format(field=FIELDS[kind]))
    host.add("people/audience.py", AUDIENCE)
    host.add("settings.py", database + SETTINGS.format(key=vapid.generate()))
    host.add("urls.py", URLS)
    host.add("templates/page.html", PAGE)
    host.run_lines(TABLES)
    return host


def test_an_open_page_receives_a_notification_and_its_acknowledgement_counts(host: Running) -> None:
    with host.listening(host.visitor("alice")) as alice, host.listening(host.visitor("charlie")) as charlie:
        host.python('made = notify.send(person("bob"), recipient=User.objects.all(), verb="waved", url="/")[0][1]')
        assert alice.until("notification.created")["data"]["title"] == "bob waved"
        assert charlie.until("notification.created")["data"]["title"] == "bob waved"
        alice.send(visible=True)
        alice.send(ack=alice.cursor)
        alice.until("notification.delivered")
    assert (
        host.python('print(notified("alice").delivered_by, notified("bob").delivered_by or "nobody")') == "live nobody"
    )
    assert host.python('print(notified("alice").actor.username, len(made))') == "bob 3"


def test_an_undelivered_notification_is_flashed(host: Running) -> None:
    # Bob has no page open, so the flash need not wait for a page to acknowledge.
    bob = host.visitor("bob")
    host.python('notify.send(person("alice"), recipient=person("bob"), verb="called")')
    assert "alice called" in bob.get("/").text
    assert "alice called" not in bob.get("/").text
    assert "alice called" in bob.get("/notifications/").text


def test_a_browser_is_registered_and_a_push_to_it_planned(host: Running) -> None:
    alice = host.visitor("alice")
    made = alice.post("/api/v1/push/subscriptions/", json=_subscription())
    assert made.status_code == requests.codes.created, made.text
    host.python('notify.send(person("bob"), recipient=[person("alice"), person("charlie")], verb="rang")')
    owners = "[one.notification.recipient.username for one in Delivery.objects.all()]"
    assert host.python(f"print({owners})") == "['alice']"
    alice.post("/accounts/logout/")
    assert host.python("print(PushSubscription.objects.count())") == "0"


def test_announcements_reach_everyone_a_group_and_a_named_audience(host: Running) -> None:
    host.python('group = Group.objects.create(name="Readers"); person("alice").groups.add(group)')
    group = host.python('print(f"group.{group.pk}")')
    with host.listening(host.visitor("alice")) as alice, host.listening(host.visitor("charlie")) as charlie:
        for audience in ("everyone", group, "audience.all"):
            host.python(f'broadcast(title="To {audience}", audience="{audience}", by=person("bob"))')
        assert _titles(alice, 3) == {"To everyone", f"To {group}", "To audience.all"}
        assert _titles(charlie, 2) == {"To everyone", "To audience.all"}
        charlie.send(visible=True)
        charlie.send(ack=charlie.cursor)
    page = host.visitor("charlie").get("/notifications/").text
    assert "To everyone" in page
    assert "To group" not in page


def test_preferences_are_saved(host: Running) -> None:
    host.add("chooser")
    page = host.visitor("chooser")
    answer = page.post("/notifications/preferences/", data={"shown": "default", "default:live": "on"})
    assert answer.status_code == requests.codes.ok
    assert host.python('print(Preference.objects.get(person=person("chooser"), kind="default").methods)') == "['live']"


@pytest.mark.parametrize("ended", ['revoke(person("{}"))', 'person("{}").delete()'])
def test_a_revocation_closes_the_connections_of_that_person_only(host: Running, ended: str) -> None:
    name = f"leaver{len(ended)}"
    host.add(name)
    with host.listening(host.visitor("alice")) as alice, host.listening(host.visitor(name)) as leaver:
        host.python(ended.format(name))
        assert leaver.closing()[0] == SESSION_OVER.code
        host.python('notify.send(person("bob"), recipient=person("alice"), verb="stayed")')
        alice.until("notification.created")


def test_the_log_has_no_errors(host: Running) -> None:
    log = host.log.read_text()
    assert "could not" not in log.lower()
    assert "Traceback" not in log


def _titles(reader: LiveClient, announcements: int) -> set[str]:
    return {reader.until("announcement.created")["data"]["title"] for _ in range(announcements)}


def _subscription() -> dict[str, object]:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    keys = {
        "p256dh": vapid.b64url(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
        "auth": vapid.b64url(b"sixteen bytes..."),
    }
    return {"endpoint": "http://127.0.0.1:9/send", "keys": keys}
