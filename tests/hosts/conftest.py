"""Fixtures for small host projects. A module starts its project once, and its tests share the server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.host import Host
from tests.support.host_project import PEOPLE, HostProject

StartProject = Callable[..., HostProject]


@pytest.fixture(scope="session")
def tables(host_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the README's project, with people."""
    host = Host(tmp_path_factory.mktemp("tables"))
    host.follow_the_readme()
    host.add_pages()
    copied = Path(shutil.copy(host_tables, host.folder / "db.sqlite3"))
    with HostProject(host) as project:
        project.python(PEOPLE)
    return copied


@pytest.fixture(scope="module")
def start_project(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartProject]:
    """Start projects: `start_project("htmx and Turbo", files={"urls.py": URLS})`.

    The arguments are sections of the guide "Beside what your project has".
    """
    with ExitStack() as running:

        def start_project(*sections: str, files: Mapping[str, str] | None = None) -> HostProject:
            host = Host(tmp_path_factory.mktemp("project"))
            host.follow_the_readme()
            host.add_pages()
            for name, text in (files or {}).items():
                host.add(name, text)
            for section in sections:
                host.follow_section(section)
            shutil.copy(tables, host.folder / "db.sqlite3")
            project = running.enter_context(HostProject(host))
            project.start()
            return project

        yield start_project
