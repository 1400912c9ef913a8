"""A user model of the host's own that has neither `username` nor `is_staff`, no groups and no full name.

Its keys are UUIDs or text. Only `make exhaustive` runs it; test_people_keys.py has such keys in bin/test.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.host import Host
from tests.support.host_project import HostProject
from tests.support.live import EVERY

pytestmark = [pytest.mark.exhaustive, pytest.mark.faults]

MODEL = """
import uuid
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

def new_key():
    return f"member {uuid.uuid4()}"

class Manager(BaseUserManager):
    def create_user(self, email, password):
        member = self.model(email=email)
        member.set_password(password)
        member.save()
        return member

class Member(AbstractBaseUser):
    id = models.{field}
    email = models.EmailField(unique=True)
    objects = Manager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
"""
FIELDS = {
    "UUID": "UUIDField(primary_key=True, default=uuid.uuid4)",
    "text": "CharField(primary_key=True, max_length=50, default=new_key)",
}
SETTINGS = """
INSTALLED_APPS += ["members"]
AUTH_USER_MODEL = "members.Member"
"""
PEOPLE = """
for name in ("alice", "bob", "charlie"):
    User.objects.create_user(f"{name}@example.com", "demo")
"""


@pytest.fixture(scope="module", params=FIELDS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProject]:
    host = Host(tmp_path_factory.mktemp("people"))
    host.follow_the_readme()
    host.add_pages()
    host.add("members/models.py", MODEL.replace("{field}", FIELDS[request.param]))
    host.add("settings.py", SETTINGS)
    host.manage("makemigrations", "members", "--verbosity", "0")
    with HostProject(host) as project:
        project.migrate(people=PEOPLE)
        project.start()
        yield project


@pytest.mark.parametrize("by", EVERY)
def test_an_open_page_receives_a_notification(project: HostProject, by: str) -> None:
    with project.listening(project.visitor("alice@example.com"), by=by) as alice:
        project.python('notify.send(person("bob@example.com"), recipient=person("alice@example.com"), verb="waved")')
        assert alice.until("notification.created")["data"]["title"] == "bob@example.com waved"


def test_pages_flashes_and_announcements_work(project: HostProject) -> None:
    charlie = project.visitor("charlie@example.com")
    project.python('notify.send(person("bob@example.com"), recipient=person("charlie@example.com"), verb="called")')
    project.python('broadcast(title="To everyone", by=person("bob@example.com"))')
    assert "bob@example.com called" in charlie.get("/").text
    inbox = charlie.get("/notifications/").text
    assert "bob@example.com called" in inbox
    assert "To everyone" in inbox
    assert (
        charlie.post("/notifications/preferences/", data={"shown": "default", "default:live": "on"}).status_code == 200
    )


def test_the_doctor_and_the_log_find_no_fault(project: HostProject) -> None:
    project.python("from notifications_hub.ops.doctor import examine")
    assert project.python("print(*[one.about for one in examine() if not one.good])") == ""
    assert "Traceback" not in project.log
