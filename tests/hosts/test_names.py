"""Names that the hub takes, in projects that used them before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.host import Host
from tests.support.host_project import PEOPLE, HostProject

SECTION = "Names that your project uses"
NOTICE = """
from django.conf import settings
from django.db import models
class Notice(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name={!r})
"""
PERSON = """
from django.contrib.auth.models import AbstractUser
from django.db import models
class Person(AbstractUser):
    notifications = models.BooleanField(default=True)
"""
FOR_MAIL = 'raise RuntimeError("no mail server")'
NOTIFY = """
from django.apps import apps
apps.get_model("notifications.Notice").objects.create(user=person("alice"))
notify.send(person("bob"), recipient=person("alice"), verb="posted", kind="notice.posted")
print(person("alice").notices.count(), person("alice").notifications.get().kind)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProject]:
    """A project with all three names, mended by the guide."""
    host = Host(tmp_path_factory.mktemp("names"))
    host.add("notices/notifications.py", FOR_MAIL)
    host.follow_the_readme()
    host.add_pages()
    host.follow_section(SECTION)
    with HostProject(host) as project:
        project.manage("makemigrations", "notifications")
        project.migrate(people=PEOPLE)
        yield project


def test_a_project_that_follows_the_guide_keeps_its_app_and_notifies(project: HostProject) -> None:
    assert project.python(NOTIFY) == "1 notice.posted"
    assert project.manage("check") == "System check identified no issues (0 silenced)."
    assert project.manage("makemigrations", "--check") == "No changes detected"


def refusal(folder: Path, *settings: str, files: dict[str, str]) -> str:
    """Return what `manage.py check` prints for a project that has these files, and then follows the README."""
    host = Host(folder)
    for name, text in files.items():
        host.add(name, text)
    host.add("settings.py", settings[0])
    host.follow_the_readme()
    host.add("settings.py", "\n".join(settings[1:]))
    run = host.try_to_manage("check")
    assert run.returncode == 1
    return run.stderr


def test_an_app_that_hides_the_package_is_asked_for_another_folder(tmp_path: Path) -> None:
    files = {"notifications/models.py": NOTICE.format("notices")}
    printed = refusal(tmp_path, 'INSTALLED_APPS += ["notifications"]', files=files)
    assert f"{tmp_path}/notifications/__init__.py hides the package django-notifications" in printed
    assert 'keep label = "notifications"' in printed


def test_a_folder_that_hides_the_package_is_not_imported_to_find_that_out(tmp_path: Path) -> None:
    printed = refusal(tmp_path, "", files={"notifications/__init__.py": FOR_MAIL})
    assert f"{tmp_path}/notifications/__init__.py hides the package django-notifications" in printed


@pytest.mark.parametrize("after", [False, True], ids=["before the hub", "after the hub"])
def test_an_app_with_the_label_of_the_package_is_asked_to_leave_the_package_out(tmp_path: Path, *, after: bool) -> None:
    own = 'INSTALLED_APPS += ["shop.notifications"]'
    files = {"shop/notifications/models.py": NOTICE.format("notices")}
    printed = refusal(tmp_path, *(["", own] if after else [own]), files=files)
    assert "The app 'shop.notifications' has the label 'notifications'" in printed
    assert 'take "notifications" out of INSTALLED_APPS' in printed


def test_a_project_without_the_model_setting_is_told_the_line(tmp_path: Path) -> None:
    printed = refusal(tmp_path, "", "del NOTIFICATIONS_NOTIFICATION_MODEL", files={})
    assert "ImproperlyConfigured: Set NOTIFICATIONS_NOTIFICATION_MODEL =" in printed.splitlines()[-1]


def test_a_related_name_that_the_hub_has_is_an_error_that_names_the_field_to_rename(tmp_path: Path) -> None:
    files = {"notes/models.py": NOTICE.format("notifications")}
    printed = refusal(tmp_path, 'INSTALLED_APPS += ["notes"]', files=files)
    assert "notes.Notice.user: (notifications_hub.E041) The related_name 'notifications' is" in printed
    assert "HINT: Rename yours" in printed


def test_a_field_of_the_user_model_that_takes_the_name_is_to_be_renamed(tmp_path: Path) -> None:
    files = {"people/models.py": PERSON}
    printed = refusal(tmp_path, 'INSTALLED_APPS += ["people"]\nAUTH_USER_MODEL = "people.Person"', files=files)
    assert "people.Person has a field 'notifications'" in printed.splitlines()[-1]


def test_a_module_that_raises_is_named_with_its_app_and_the_remedy(tmp_path: Path) -> None:
    printed = refusal(tmp_path, 'INSTALLED_APPS += ["notes"]', files={"notes/notifications.py": FOR_MAIL})
    last = printed.strip().splitlines()[-1]
    assert "'notes.notifications' of the app 'notes'" in last
    assert "RuntimeError: no mail server" in last
    assert f"{tmp_path}/notes/notifications.py" in last
    assert "KINDS_MODULE" in last
