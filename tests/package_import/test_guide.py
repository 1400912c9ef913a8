"""The guide "From django-notifications", followed by a project on that package with 400 notifications."""

from __future__ import annotations

import json

import pytest

from tests.package_import.package_suite import GUIDE
from tests.support.host import PAGE, SETTINGS, URLS, Host

PEOPLE = """
import uuid
from django.contrib.auth.models import AbstractUser
from django.db import models
class Person(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
"""
APPS = """
from pathlib import Path
ROOT_URLCONF = "host.urls"
INSTALLED_APPS += ["notifications", "people"]
AUTH_USER_MODEL = "people.Person"
DJANGO_NOTIFICATIONS_CONFIG = {"USE_JSONFIELD": True, "SOFT_DELETE": True}
TEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]
"""
PACKAGE_URLS = """
from django.urls import include
urlpatterns += [path("inbox/", include("notifications.urls", namespace="notifications"))]
"""
TABLES = """
import importlib
from django.core.management import call_command
call_command("makemigrations", "people", verbosity=0)
importlib.invalidate_caches()
call_command("migrate", verbosity=0)
"""
WITHOUT_THE_GUIDES_OWN = """
from notifications_hub.models import Notification
Notification.objects.filter(verb="moved").delete()
"""
FOUR_HUNDRED = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from notifications.models import Notification
from notifications.signals import notify
create = get_user_model().objects.create_user
alice, bob, charlie = [create(name, password="demo") for name in ("alice", "bob", "charlie")]
for number in range(200):
    notify.send(bob, recipient=[alice, charlie], verb="wrote", target=alice, url=f"/posts/{number}/", number=number,
                timestamp=timezone.now() - timedelta(minutes=number))
mine = Notification.objects.filter(recipient=alice).order_by("-timestamp")
mine.filter(pk__in=[row.pk for row in mine[100:]]).update(unread=False)
mine.filter(pk__in=[row.pk for row in mine[:10]]).update(deleted=True)
"""
STATE = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
def state():
    rows = []
    for person in get_user_model().objects.order_by("username"):
        own = person.notifications
        rows += [[person.username, own.count(), own.unread().count(), own.read().count(), own.deleted().count()]]
        columns = "actor_object_id", "verb", "level", "unread", "deleted", "public", "emailed", "data"
        rows += [list(values) for values in own.order_by("timestamp").values_list(*columns)]
    return rows
def api():
    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.get(username="alice"))
    answer = client.get("/inbox/api/unread_list/").json()
    keys = ("verb", "actor", "target", "timestamp", "data", "level", "unread", "public")
    return answer["unread_count"], [{key: one[key] for key in keys} for one in answer["unread_list"]]
print(json.dumps([state(), api()]))
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    host = Host(tmp_path_factory.mktemp("package"))
    host.add("people/models.py", PEOPLE)
    host.add("settings.py", APPS + SETTINGS)
    host.add("urls.py", PACKAGE_URLS + URLS)
    host.add(
        "templates/page.html", PAGE.replace("{% load notifications_hub %}", "").replace("{% notification_bell %}", "")
    )
    return host


def run(host: Host, *blocks: str) -> str:
    """Run blocks of code in one shell of the project. Return the output of the last."""
    shell = host.shell()
    try:
        return [shell.python(code) for code in blocks][-1]
    finally:
        shell.close()


FLASHES = """
client = Client(headers={"host": "localhost"})
client.force_login(get_user_model().objects.get(username="alice"))
page = client.get("/").content.decode()
assert "more" not in page and "wrote" not in page, page
for name in ("alice", "charlie"):
    get_user_model().objects.get(username=name).delete()
from notifications_hub.models import Notification
assert not Notification.objects.exists()
"""


def test_a_project_moves_over_with_its_notifications(host: Host) -> None:
    before = json.loads(run(host, TABLES, FOUR_HUNDRED, STATE))
    host.follow(GUIDE)
    after = json.loads(run(host, WITHOUT_THE_GUIDES_OWN, STATE))
    assert before == after
    assert [row for row in before[0] if len(row) == 5] == [
        ["alice", 200, 90, 100, 10],
        ["bob", 0, 0, 0, 0],
        ["charlie", 200, 200, 0, 0],
    ]
    run(host, STATE + FLASHES)
