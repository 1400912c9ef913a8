"""The guide "Your first notification", from an empty folder to a delivery method of one's own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.host import Block, blocks_in
from tests.support.processes import ROOT, Closing, Program, free_port, wait_until
from tests.support.site import is_healthy

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GUIDE = (ROOT / "docs" / "guides" / "first-notification.md").read_text()
PASSWORD = "a-long-password"
BY_THE_TESTS = ("python -m venv ", ". .venv/", "pip ")
"""Commands that make an environment. The tests have one already."""
NOT_OURS = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "NOTIFICATIONS_HUB")


class Stranger(Closing):
    """A person who follows the guide in an empty folder, one section after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self._server: Program | None = None
        self._typing = False
        kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        self._environment = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }

    def follow(self, number: int) -> None:
        """Do what the section says. Raise `CalledProcessError`, with the output in the log, if a command fails."""
        section = re.search(rf"^## {number}\. (.+?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
        assert section is not None, number
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
        command = [sys.executable, *arguments]
        run = subprocess.run(
            command, cwd=self.folder, env=self._environment, input=typed, capture_output=True, text=True, check=False
        )
        # A shell that runs what it reads ends with success, whatever it printed.
        assert run.returncode == 0, f"{arguments}\n{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr, run.stderr


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    with Stranger(tmp_path) as stranger:
        yield stranger


def signed_in(browser: Browser, url: str) -> Page:
    page = browser.new_page()
    page.goto(url + "/admin/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(url + "/")
    return page


def wait_until_live(page: Page) -> None:
    live = page.locator("notification-bell [data-part=state]")
    expect(live).to_have_attribute("data-state", "live", timeout=30_000)


def test_the_way_from_an_empty_folder_to_a_delivery_method(browser: Browser, stranger: Stranger) -> None:
    stranger.follow(1)
    stranger.follow(2)
    page = signed_in(browser, stranger.url)
    wait_until_live(page)

    stranger.follow(3)
    toasts = page.locator("toast-stack")
    expect(toasts.get_by_text("bob waved at you")).to_be_visible()
    expect(page.locator("notification-bell [data-part=badge]")).to_have_text("1")

    stranger.follow(4)
    expect(toasts.get_by_text("bob waves from Lisbon")).to_be_visible(timeout=30_000)
    page.goto(stranger.url + "/notifications/preferences/")
    expect(page.get_by_role("row", name="Someone waves at you")).to_be_visible()

    stranger.follow(5)

    page.goto("about:blank")
    stranger.follow(6)
    wait_until(lambda: "To alice: bob waves from Porto" in stranger.terminal, seconds=60, what="the terminal's line")
    page.goto(stranger.url + "/")
    wait_until_live(page)
    expect(page.locator("notification-bell [data-part=badge]")).to_have_text("3")
    expect(page.get_by_role("paragraph")).to_have_count(0)
    page.context.close()


def test_its_lines_are_those_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    recipe = re.search(r"^```python\n(# settings\.py\n.+?)^```", readme, re.DOTALL | re.MULTILINE)
    assert recipe is not None
    settings, _urls, asgi = re.split(r"# (?:urls|asgi)\.py\n", recipe[1].removeprefix("# settings.py\n"))
    for path, lines in (("yoursite/settings.py", settings), ("yoursite/asgi.py", asgi)):
        code = next(block.code for block in blocks_in(GUIDE) if block.path == path)
        assert set(lines.splitlines()) - {""} <= set(code.splitlines()), path
