"""The README's recipe, in a new project made by `django-admin startproject`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.host import Host
from tests.support.processes import ROOT
from tests.support.site import Shell, Visitor

PAGE = """
{% load notifications_hub %}<!doctype html><title>Host</title>{% notification_bell %}
{% for message in messages %}{{ message }}{% endfor %}
"""
OTHER_URLS = """
from django.contrib.auth.views import LoginView
from django.views.generic import TemplateView
urlpatterns += [
    path("accounts/login/", LoginView.as_view(template_name="admin/login.html")),
    path("", TemplateView.as_view(template_name="page.html")),
]
"""
PEOPLE = """
from django.contrib.auth import get_user_model
for name in ("alice", "bob"):
    get_user_model().objects.create_user(name, password="demo")
"""
NOTIFY = """
from django.contrib.auth import get_user_model
from notifications.signals import notify
person = get_user_model().objects.get
notify.send(person(username="bob"), recipient=person(username="alice"), verb="waved", url="/")
"""


NAIVE = """
from host.settings import *
USE_TZ = False
"""
USE_WITHOUT_TIME_ZONES = """
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from notifications.signals import notify
from notifications_hub import broadcast, publish, revoke
from notifications_hub.models import Announcement, Event, Notification, Revocation
MODELS = Announcement, Event, Notification, Revocation
def rows():
    return [model.objects.count() for model in MODELS]
def refused(call, *arguments, **given):
    try:
        call(*arguments, **given)
    except (ImproperlyConfigured, SystemCheckError) as error:
        assert "USE_TZ = True" in str(error), error
        return True
alice, before = get_user_model().objects.get(username="alice"), rows()
assert refused(call_command, "check")
assert refused(notify.send, alice, recipient=alice, verb="waved")
assert refused(publish, "post.9", "comment.created", {})
assert refused(broadcast, title="Hello")
assert refused(revoke, alice)
assert refused(revoke, alice, topic="inbox")
assert rows() == before
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    host = Host(tmp_path_factory.mktemp("host"))
    host.follow_the_readme()
    host.add("settings.py", 'LOGIN_REDIRECT_URL = "/"\n')
    host.add("urls.py", OTHER_URLS)
    host.add("templates/page.html", PAGE)
    host.run_lines("manage.py check --fail-level ERROR\nmanage.py migrate --verbosity 0")
    return host


@pytest.fixture(scope="module")
def shell(host: Host) -> Iterator[Shell]:
    """A shell of the project, where the people have been made."""
    shell = host.shell()
    shell.python(PEOPLE)
    yield shell
    shell.close()


@pytest.fixture(scope="module")
def address(host: Host) -> Iterator[str]:
    program, address = host.serve()
    yield address
    program.stop()


def test_ten_lines_add_a_bell_that_shows_a_reply(shell: Shell, address: str) -> None:
    alice = Visitor(address)
    alice.sign_in("alice")
    assert "<notification-bell" in alice.get("/").text
    cookies = "; ".join(f"{name}={value}" for name, value in alice.cookies.items())
    live = address.replace("http", "ws") + "/live/ws/"
    with connect(live, origin=Origin(address), additional_headers={"Cookie": cookies}) as socket:
        socket.recv(timeout=30)
        shell.python(NOTIFY)
        [event] = json.loads(socket.recv(timeout=30))["events"]
    assert event["data"]["title"] == "bob waved"
    assert alice.get("/api/v1/notifications/count/").json() == {"unread": 1, "unseen": 1, "capped": False}
    assert "bob waved" in alice.get("/notifications/").text


def test_an_undelivered_notification_is_flashed_by_the_messages_of_the_host(shell: Shell, address: str) -> None:
    alice = Visitor(address)
    alice.sign_in("alice")
    shell.python(NOTIFY)
    assert "bob waved" in alice.get("/").text
    assert "bob waved" not in alice.get("/").text


def test_a_check_and_every_call_name_the_remedy_for_missing_time_zones(host: Host, shell: Shell) -> None:
    host.add("host/naive.py", NAIVE)
    host.manage("shell", "--settings", "host.naive", "--command", USE_WITHOUT_TIME_ZONES)


def test_an_asgi_file_may_import_it_before_django_is_set_up() -> None:
    unset = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    line = "from notifications_hub.asgi import live_application"
    subprocess.run([sys.executable, "-c", line], cwd=ROOT, env=unset, check=True)


def test_anonymous_visitors_see_no_bell(address: str) -> None:
    assert "<notification-bell" not in requests.get(address + "/", timeout=30).text
