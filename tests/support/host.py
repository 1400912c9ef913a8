"""A host project, as `django-admin startproject` makes it, that follows the README and then a guide.

A guide's code blocks are used as follows:

* A block whose first line is a comment with a path (`# notes/models.py`, `<!-- templates/notes/page.html -->`) is added
  to that file. `settings.py`, `urls.py` and `asgi.py` are the project's own. Packages are made as needed.
* In a block of `sh`, the lines that begin with `manage.py` or `pytest` are run.
* Python without a path is run after all that, with its asserts, in one shell of the project.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from django.core.management import call_command

from tests.support import warm
from tests.support.once import once
from tests.support.processes import ROOT, Program, free_port
from tests.support.site import Shell, is_healthy, site_environment

FENCE = re.compile(r"^```(\w+)\n(.+?)^```$", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"(?:# |<!-- |// |/\* |\{# )([\w./-]+\.\w+)(?: -->| \*/| #\})?")
README = ROOT / "README.md"
BESIDE = ROOT / "docs" / "guides" / "beside-your-project.md"
OWN = ("settings.py", "urls.py", "asgi.py")
SETTINGS = """
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
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
{% load notifications_hub %}<!doctype html><html lang="en"><title>Host</title>{% notification_bell %}
<main><h1>Host</h1>{% for message in messages %}{{ message }}{% endfor %}</main></html>
"""

MANAGE = """
import gc, importlib, json, sys
gc.disable()  # The process ends soon.
from django.core.management import execute_from_command_line
for command in json.loads(sys.argv[1]):
    importlib.invalidate_caches()  # The command before may have written a migration.
    execute_from_command_line(command)
"""

NOT_OF_A_HOST = tuple(
    option
    for plugin in ("hypothesispytest", "schemathesis", "time_machine", "xdist", "xdist.looponfail")
    for option in ("-p", f"no:{plugin}")
)
"""pytest's options that leave out plugins of this environment, because their imports take a third of a short run."""

IN_THE_SHELL = """
import importlib
from django.core.management import call_command
for command in {commands!r}:
    importlib.invalidate_caches()
    call_command(*command, **({{}} if command[0] == "check" else {{"skip_checks": False}}))
"""


def readme_recipe() -> str:
    """Return the lines that the README adds to the settings, the URLs and `asgi.py`."""
    recipe = re.search(r"^## Install\n.+?^```python\n(.+?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    assert recipe is not None
    return recipe[1]


class Block(NamedTuple):
    language: str
    path: str
    """Empty for a block that is run."""
    code: str


def blocks_of(page: Path) -> Iterator[Block]:
    yield from blocks_in(page.read_text())


def blocks_in(text: str) -> Iterator[Block]:
    for language, code in FENCE.findall(text):
        yield _block(language, code)


def _block(language: str, code: str) -> Block:
    first, _, rest = code.partition("\n")
    named = PATH.fullmatch(first)
    return Block(language, named[1], rest) if named else Block(language, "", code)


def _only_commands(block: Block) -> list[list[str]]:
    """Return the words of each `manage.py` line, or none if a block has other lines that are run, or is a file."""
    lines = [line.partition("#")[0].split() for line in block.code.splitlines()]
    programs = {line[0] for line in lines if line}
    return [line[1:] for line in lines if line] if not block.path and programs == {"manage.py"} else []


class Host:
    """A new project with Django's defaults: its user model, SQLite and its cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **site_environment(),
            "DJANGO_SETTINGS_MODULE": "host.settings",
            "PYTHONPATH": f"{folder}:{ROOT}",
        }
        call_command("startproject", "host", str(folder))
        self._add_entry_points()

    def _add_entry_points(self) -> None:
        """Declare the package's entry points, as its installation does: pytest finds the plugin by them."""
        installed = self.folder / "notifications_hub-0.dist-info"
        installed.mkdir()
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: notifications-hub\nVersion: 0\n")
        declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
        sections = (
            "\n".join([f"[{group}]", *(f"{name} = {path}" for name, path in entries.items())])
            for group, entries in declared.items()
        )
        (installed / "entry_points.txt").write_text("\n".join(sections))

    def follow_the_readme(self) -> None:
        settings, urls, asgi = re.split(r"# (?:urls|asgi)\.py\n", readme_recipe().replace("yoursite", "host"))
        self.add("settings.py", settings + '\nTEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]\n')
        self.add("urls.py", urls)
        self.add("asgi.py", asgi)

    def add_pages(self) -> None:
        """Add a page with the bell at the root, and Django's forms for signing in and out."""
        self.add("settings.py", SETTINGS)
        self.add("urls.py", URLS)
        self.add("templates/page.html", PAGE)

    def follow(self, guide: Path) -> None:
        """Run a guide. Raise `AssertionError`, with the output, for a block that does not do what the guide says.

        Commands after the last file run in the shell, because starting Django takes most of the time.
        """
        blocks = list(blocks_of(guide))
        assert blocks, f"{guide.name} shows no code"
        running = [block.code for block in blocks if block.language == "python" and not block.path]
        ordered = [block for block in blocks if block.path or block.language == "sh"]
        last = ordered[-1] if ordered else None
        if running and last and (commands := _only_commands(last)):
            ordered.pop()
            running.insert(0, IN_THE_SHELL.format(commands=commands))
        for block in ordered:
            if block.path:
                self.add(block.path, block.code)
            else:
                self.run_lines(block.code)
        self._run_in_shell(running)

    def follow_section(self, title: str) -> None:
        """Add the files of one section of the guide "Beside what your project has"."""
        section = re.search(rf"^## {re.escape(title)}\n(.+?)(?=^## |\Z)", BESIDE.read_text(), re.DOTALL | re.MULTILINE)
        assert section is not None, title
        for language, code in FENCE.findall(section[1]):
            block = _block(language, code)
            assert block.path, f"{title}: a block names no file"
            self.add(block.path, block.code)

    def add(self, name: str, text: str) -> None:
        path = self.folder / ("host" if name in OWN else "") / name
        for package in reversed(path.relative_to(self.folder).parents[:-1]):
            (self.folder / package).mkdir(exist_ok=True)
            if path.suffix == ".py":
                (self.folder / package / "__init__.py").touch()
        with path.open("a") as file:
            file.write("\n" + text)

    def manage(self, *arguments: str) -> None:
        self._run_python("manage.py", *arguments)

    def _run_python(self, *arguments: str) -> None:
        done = warm.run(arguments, environment=self.environment, folder=self.folder)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    def try_to_manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command that may fail, with more variables. Return what it printed."""
        known = {**self.environment, **environment}
        return warm.run(["manage.py", *arguments], environment=known, folder=self.folder)

    def test(self, *arguments: str) -> None:
        """Run tests of the project. Raise `AssertionError`, with the output, if one fails or is not found."""
        self._run_python("-m", "pytest", "-p", "no:cacheprovider", *NOT_OF_A_HOST, *arguments)

    def shell(self) -> Shell:
        """Return a Django shell of the project, to be closed by the caller."""
        return Shell(self.environment)

    def serve(self) -> tuple[Program, str]:
        port = free_port()
        command = [sys.executable, str(self.folder / "manage.py"), "hub_serve", "--port", str(port)]
        program = warm.start_warm(command, log=self.folder / "log", environment=self.environment)
        address = f"http://127.0.0.1:{port}"
        program.wait_until_ready(lambda: is_healthy(address))
        return program, address

    def run_lines(self, lines: str) -> None:
        """Run the lines that begin with `manage.py` or `pytest`."""
        for program, named in groupby(lines.splitlines(), lambda line: line.partition(" ")[0]):
            commands = [line.partition("#")[0].split() for line in named]
            if program == "manage.py":
                # All in one process, because starting Django takes most of the time.
                self._run_python("-c", MANAGE, json.dumps(commands))
            elif program == "pytest":
                for command in commands:
                    self.test(*command[1:])

    def _run_in_shell(self, blocks: list[str]) -> None:
        lines = "".join(json.dumps(block) + "\n" for block in blocks)
        run = warm.run(["-m", "tests.support.shell"], environment=self.environment, folder=self.folder, lines=lines)
        answers = [json.loads(line) for line in run.stdout.splitlines()]
        assert len(answers) == len(blocks), run.stderr
        for block, answer in zip(blocks, answers, strict=True):
            assert "error" not in answer, f"{block}\n{answer['error']}"


def migrated_host(folder: Path) -> Path:
    """Return the database of a project that followed the README and migrated. Workers share the folder."""

    def make() -> None:
        # A worker that failed may have left a part, and would hide the reason from the next one.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        host = Host(folder)
        host.follow_the_readme()
        host.manage("migrate", "--verbosity", "0")

    once(folder.with_suffix(".made"), make)
    return folder / "db.sqlite3"
