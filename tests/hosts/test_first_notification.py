"""The guide "Your first notification", from an empty folder to a delivery method of one's own."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support import warm
from tests.support.host import Block, blocks_in
from tests.support.processes import ROOT, Closing, Program, free_port, wait_until
from tests.support.site import Visitor, is_healthy

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GUIDE = (ROOT / "docs" / "guides" / "first-notification.md").read_text()
PASSWORD = "a-long-password"
BY_THE_TESTS = ("python -m venv ", ". .venv/", "pip ")
"""Commands that make an environment. The tests have one already."""
NOT_OURS = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "NOTIFICATIONS_HUB", "PYTHON")


class Stranger(Closing):
    """A person who follows the guide in an empty folder, one section after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self._server: Program | None = None
        self._typing = False
        kept = {name: os.environ[name] for name in os.environ if not name.startswith(NOT_OURS)}
        self._environment = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }

    def follow(self, title: str) -> None:
        """Do what the section says. Raise `AssertionError`, with the output, if a command fails."""
        section = re.search(rf"^## {re.escape(title)}(.+?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
        assert section is not None, title
        for block in blocks_in(section[1]):
            self._do(block)

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()

    @property
    def terminal(self) -> str:
        """The output of the server."""
        return (self.folder / "server.log").read_text()

    def _do(self, block: Block) -> None:
        if block.path:
            self._write(block)
        elif block.language == "sh":
            for line in block.code.splitlines():
                if not line.startswith(BY_THE_TESTS):
                    self._run(*shlex.split(line))
        else:
            assert self._typing, "the guide opens no shell for this code"
            self._run_python("manage.py", "shell", typed=block.code)
            self._typing = False

    def _write(self, block: Block) -> None:
        path = self.folder / block.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write("\n" + block.code)

    def _run(self, program: str, *arguments: str) -> None:
        command = arguments[1] if arguments[0] == "manage.py" else arguments[0]
        if command == "shell":
            self._typing = True
        elif command == "hub_serve":
            self._serve(arguments)
        elif program == "django-admin":
            self._run_python("-m", "django", *arguments)
        else:
            self._run_python(*arguments, *(["--noinput"] if command == "createsuperuser" else []))

    def _serve(self, arguments: tuple[str, ...]) -> None:
        self.close()
        command = [sys.executable, *arguments, "--port", self.url.rpartition(":")[2]]
        # A Program runs in the folder of this repository.
        command[1] = str(self.folder / "manage.py")
        self._server = Program(command, log=self.folder / "server.log", environment=self._environment)
        self._server.wait_until_ready(lambda: is_healthy(self.url))

    def _run_python(self, *arguments: str, typed: str = "") -> None:
        run = warm.run(arguments, environment=self._environment, folder=self.folder, lines=typed)
        # A shell that runs what it reads ends with success, whatever it printed.
        assert run.returncode == 0, f"{arguments}\n{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr, run.stderr


class InChromium:
    """Alice's page, where she sees toasts and counts."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._url = url
        self._page = browser.new_page()
        self._page.goto(url + "/admin/")
        self._page.get_by_label("Username").fill("alice")
        self._page.get_by_label("Password").fill(PASSWORD)
        self._page.get_by_role("button", name="Log in").click()
        self.open()

    def open(self) -> None:
        self._page.goto(self._url + "/")
        live = self._page.locator("notification-bell [data-part=state]")
        expect(live).to_have_attribute("data-state", "live", timeout=30_000)

    def sees(self, title: str) -> None:
        expect(self._page.locator("toast-stack").get_by_text(title)).to_be_visible(timeout=30_000)

    def leave(self) -> None:
        self._page.goto("about:blank")

    def read(self, path: str) -> str:
        self._page.goto(self._url + path)
        return self._page.content()

    @property
    def count(self) -> str:
        self.open()
        return self._page.locator("notification-bell [data-part=badge]").inner_text()

    def close(self) -> None:
        self._page.context.close()


class ByPolling:
    """Alice's client without a browser, which acknowledges what it receives."""

    def __init__(self, url: str) -> None:
        self._visitor = Visitor(url)
        self._visitor.get("/admin/login/")
        self._visitor.post("/admin/login/", data={"username": "alice", "password": PASSWORD, "next": "/"})
        self._cursor = self._visitor.get("/live/poll/").json()["cursor"]

    def sees(self, title: str) -> None:
        wait_until(lambda: title in self._new_titles(), seconds=30, what=title)
        answer = self._visitor.post("/live/ack/", json={"cursor": self._cursor, "visible": True})
        assert answer.ok, answer.text

    def leave(self) -> None:
        """Poll no more."""

    def read(self, path: str) -> str:
        return self._visitor.get(path).text

    @property
    def count(self) -> str:
        return str(self._visitor.get("/api/v1/notifications/count/").json()["unread"])

    def close(self) -> None:
        """There is nothing to close."""

    def _new_titles(self) -> list[str]:
        frame = self._visitor.get("/live/poll/", params={"cursor": self._cursor, "wait": 5, "visible": 1}).json()
        self._cursor = frame["cursor"]
        return [event["data"]["title"] for event in frame["events"] if event["kind"] == "notification.created"]


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    with Stranger(tmp_path) as stranger:
        yield stranger


@pytest.fixture
def signed_in(request: pytest.FixtureRequest) -> Callable[[str], InChromium | ByPolling]:
    """Sign Alice in: in Chromium, or in a run `WITHOUT_BROWSERS`, such as that on the newest Django, without one."""

    def sign_in(url: str) -> InChromium | ByPolling:
        if "WITHOUT_BROWSERS" in os.environ:
            return ByPolling(url)
        return InChromium(request.getfixturevalue("browser"), url)

    return sign_in


def test_the_way_from_an_empty_folder_to_a_delivery_method(
    stranger: Stranger, signed_in: Callable[[str], InChromium | ByPolling]
) -> None:
    stranger.follow("1. ")
    stranger.follow("2. ")
    alice = signed_in(stranger.url)

    stranger.follow("3. ")
    alice.sees("bob waved at you")
    stranger.follow("4. ")
    alice.sees("bob waves from Lisbon")
    assert "Someone waves at you" in alice.read("/notifications/preferences/")

    stranger.follow("5. ")

    alice.leave()
    stranger.follow("6. ")
    wait_until(lambda: "To alice: bob waves from Porto" in stranger.terminal, seconds=60, what="the terminal's line")
    assert "waves from Porto" not in alice.read("/")
    assert alice.count == "3"
    assert "Lisbon" not in stranger.terminal
    stranger.follow("Next")
    alice.close()


def test_its_lines_are_those_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    recipe = re.search(r"^```python\n(# settings\.py\n.+?)^```", readme, re.DOTALL | re.MULTILINE)
    assert recipe is not None
    settings, _urls, asgi = re.split(r"# (?:urls|asgi)\.py\n", recipe[1].removeprefix("# settings.py\n"))
    for path, lines in (("yoursite/settings.py", settings), ("yoursite/asgi.py", asgi)):
        code = next(block.code for block in blocks_in(GUIDE) if block.path == path)
        assert set(lines.splitlines()) - {""} <= set(code.splitlines()), path
