"""A project on django-notifications-hq moves over by the guide, and the wrong order of commands names its remedy.

These install packages from PyPI into environments of their own. `test_shared_folder.py` needs no network.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.package_import.package_suite import GUIDE
from tests.support.host import blocks_of
from tests.support.processes import ROOT
from tests.support.site import inherited_environment

pytestmark = [pytest.mark.faults, pytest.mark.exhaustive]

HQ = "django-notifications-hq==1.8.3"
NOT_SOURCE = shutil.ignore_patterns(".*", "__pycache__", "build", "node_modules", "tests", "var", "*.egg-info")
ROWS = """
from django.contrib.auth.models import User
from notifications.signals import notify
alice, bob = [User.objects.create_user(name) for name in ("alice", "bob")]
for number in range(20):
    notify.send(bob, recipient=alice, verb="wrote", target=alice, url=f"/posts/{number}/", number=number)
alice.notifications.filter(pk__lte=12).mark_all_as_read()
"""
STATE = """
from django.contrib.auth.models import User
alice = User.objects.get(username="alice")
print([[row.verb, row.actor, row.unread, row.timestamp.isoformat(), row.data]
       for row in alice.notifications.order_by("timestamp")])
"""


class OldProject:
    """A project on hq and Django 4.2, in an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.python = folder / "environment" / "bin" / "python"
        self._hub = folder / "hub"
        shutil.copytree(ROOT, self._hub, ignore=NOT_SOURCE)
        self._run(sys.executable, "-m", "venv", self.python.parents[1])
        self.pip(f"pip install 'django>=4.2,<5' {HQ}")
        self._run(self.python, "-m", "django", "startproject", "yoursite", folder)
        self.set("INSTALLED_APPS += ['notifications']\nDJANGO_NOTIFICATIONS_CONFIG = {'USE_JSONFIELD': True}")
        self.manage("migrate")
        self.manage("shell", "-c", ROWS)
        self.state = self.manage("shell", "-c", STATE)

    def set(self, lines: str) -> None:
        with (self._folder / "yoursite" / "settings.py").open("a") as file:
            file.write(f"\n{lines}\n")

    def pip(self, line: str) -> None:
        """Run a line of the guide. The hub is this repository's, and its requirements are the locked ones."""
        _pip, command, *arguments = shlex.split(line, comments=True)
        arguments = [str(self._hub) if one == "notifications-hub" else one for one in arguments]
        arguments += ["--yes"] if command == "uninstall" else []
        self._run(self.python, "-m", "pip", "--quiet", command, *arguments)

    def manage(self, *arguments: str) -> str:
        return self._run(self.python, "manage.py", *arguments)

    def remedy_of(self, *arguments: str) -> list[str]:
        """Run a command that warns or fails. Return the commands that its last words name."""
        run = self._start(self.python, "manage.py", *arguments)
        words = [line for line in (run.stdout + run.stderr).splitlines() if "Run `pip" in line]
        assert len(words) == 1, run.stdout + run.stderr
        return re.findall(r"`(pip .+?)`", words[0])

    def configure(self) -> None:
        """Add the guide's settings."""
        for block in blocks_of(GUIDE):
            if block.path == "settings.py":
                self.set(block.code)

    def move(self) -> None:
        """Run the guide's commands, and then delete everybody."""
        self.manage("migrate")
        assert "Imported 20 notifications." in self.manage("hub_import")
        assert self.manage("shell", "--no-imports", "-c", STATE) == self.state
        self.manage("hub_import", "--drop")
        self.manage(
            "shell", "--no-imports", "-c", "from django.contrib.auth.models import User; User.objects.all().delete()"
        )

    def _run(self, *command: str | Path) -> str:
        run = self._start(*command)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def _start(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        environment = inherited_environment()
        return subprocess.run(command, cwd=self._folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> OldProject:
    return OldProject(tmp_path)


def test_the_order_of_the_guide_moves_a_project_over(project: OldProject) -> None:
    lines = [line for block in blocks_of(GUIDE) if block.language == "sh" for line in block.code.splitlines()]
    for line in lines:
        if line.startswith("pip "):
            project.pip(line)
    project.configure()
    project.move()


def test_each_wrong_order_names_its_remedy(project: OldProject) -> None:
    project.pip("pip install notifications-hub")
    project.configure()
    before = project.remedy_of("check")
    assert len(before) == 2

    project.pip(before[0])
    for line in project.remedy_of("check"):
        project.pip(line)
    assert "no issues" in project.manage("check")

    project.pip(f"pip install --no-deps {HQ}")
    for line in project.remedy_of("check"):
        project.pip(line)
    assert "no issues" in project.manage("check")
    project.move()
