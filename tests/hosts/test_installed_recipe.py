"""The README's commands and lines, one after the other, outside the repository, with the wheel installed.

`INSTALLED` names the Python of an environment with the wheel: `make release` sets it to a clean one. Otherwise the
wheel is built and installed beside the packages of this environment.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import pytest
import requests
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.host import FENCE, OWN, README
from tests.support.installed import shared_installation
from tests.support.processes import Program, free_port
from tests.support.site import Visitor, inherited_environment, is_healthy

CLIENTS, REQUESTS = 8, 10
ADMIN = {
    "DJANGO_SUPERUSER_USERNAME": "alice",
    "DJANGO_SUPERUSER_PASSWORD": "demo",
    "DJANGO_SUPERUSER_EMAIL": "a@b.example",
}
OWN_VIEW = """
from django.http import HttpResponse
from notifications.signals import notify


def wave(request):
    notify.send(request.user, recipient=request.user, verb="waved", url="/")
    return HttpResponse("waved")


urlpatterns += [path("wave/", wave)]
"""


class Project:
    """A folder where the README's blocks are followed."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._python = str(python)
        self._folder = folder
        self._environment = {**inherited_environment(), **ADMIN}
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self.server: Program | None = None
        self.followed: list[str] = []

    def follow(self, section: str) -> None:
        for language, code in FENCE.findall(section):
            if language == "python":
                self.add_lines(code)
            for line in code.splitlines() if language == "sh" else ():
                self._follow_line(shlex.split(line, comments=True))

    def add_lines(self, code: str) -> None:
        """Add each part of a block to the file that the comment before it names."""
        _, *parts = re.split(r"^# (\w+\.py)\n", code, flags=re.MULTILINE)
        for name, lines in zip(parts[::2], parts[1::2], strict=True):
            assert name in OWN
            with (self._folder / "yoursite" / name).open("a") as file:
                file.write(f"\n{lines}")

    def _follow_line(self, words: list[str]) -> None:
        self.followed.append(" ".join(words[: 3 if words[0] == "python" else 2]))
        match words:
            case ["pip", "install", "notifications-hub", "uvicorn[standard]"]:
                self._run("-c", "import notifications_hub, uvicorn")
            case ["django-admin", *arguments]:
                self._run("-m", "django", *arguments)
            case ["python", "manage.py", "createsuperuser"]:
                self._run("manage.py", "createsuperuser", "--noinput")
            case ["python", "manage.py", "hub_serve"]:
                self._serve()
            case ["python", "manage.py", "hub_announce", title]:
                assert title in self._ring(title)
            case ["python", "manage.py", *arguments]:
                self._run("manage.py", *arguments)
            case _:
                pytest.fail(f"the README has a line that this test cannot follow: {words}")

    def _run(self, *arguments: str) -> None:
        run = subprocess.run(
            [self._python, *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{arguments}:\n{run.stdout}{run.stderr}"

    def _serve(self) -> None:
        self.add_lines(f"# urls.py\n{OWN_VIEW}")
        command = [self._python, str(self._folder / "manage.py"), "hub_serve", "--port", str(self._port)]
        self.server = Program(command, log=self._folder / "log", environment=self._environment)
        self.server.wait_until_ready(lambda: is_healthy(self.address))

    def _ring(self, title: str) -> str:
        """Announce it while a page is open. Return the titles that the page receives."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.alice().cookies.items())
        live = self.address.replace("http", "ws") + "/live/ws/"
        with connect(live, origin=Origin(self.address), additional_headers={"Cookie": cookies}) as socket:
            socket.recv(timeout=30)
            self._run("manage.py", "hub_announce", title)
            # A frame without events moves the cursor on.
            while not (events := json.loads(socket.recv(timeout=30))["events"]):
                pass
            return str([event["data"] for event in events])

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    def alice(self) -> Visitor:
        visitor = Visitor(self.address)
        visitor.get("/admin/login/")
        page = visitor.post("/admin/login/?next=/notifications/", data={"username": "alice", "password": "demo"})
        assert "sessionid" in visitor.cookies, f"could not sign in: {page.status_code}"
        return visitor


@pytest.fixture(scope="module")
def python(run_folder: Path) -> Path:
    if "INSTALLED" in os.environ:
        return Path(os.environ["INSTALLED"])
    return shared_installation(run_folder)


@pytest.fixture(scope="module")
def project(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that followed the section "Install" to its end, where an announcement rings the bell."""
    section = re.search(r"^## Install\n(.+?)^##", README.read_text(), re.DOTALL | re.MULTILINE)
    assert section is not None
    project = Project(python, tmp_path_factory.mktemp("project"))
    try:
        project.follow(section[1])
        yield project
    finally:
        if project.server is not None:
            project.server.stop()


def test_the_steps_of_the_readme_ring_the_bell(project: Project) -> None:
    assert project.followed == [
        *("pip install", "django-admin startproject", "python manage.py migrate", "python manage.py createsuperuser"),
        *("python manage.py hub_serve", "python manage.py hub_announce"),
    ]
    assert "Hello" in project.alice().get("/notifications/").text


def test_many_clients_of_a_new_project_meet_no_locked_database(project: Project) -> None:
    cookies = project.alice().cookies
    paths = ["/wave/", "/notifications/"] * (REQUESTS // 2)

    def visit(_client: int) -> list[int]:
        return [requests.get(project.address + path, cookies=cookies, timeout=60).status_code for path in paths]

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = Counter(code for codes in clients.map(visit, range(CLIENTS)) for code in codes)
    assert answers == {HTTPStatus.OK: CLIENTS * REQUESTS}
    assert "database is locked" not in project.log
