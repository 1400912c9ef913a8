"""Databases for sites and workers. They are set up once a run and then copied, because migrating takes seconds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from tests.support.once import once
from tests.support.postgres import create_database, drop_database
from tests.support.site import Shell, manage, site_environment


class Databases(Protocol):
    """A source of databases with the migrated tables and the demo people."""

    def copy(self) -> str:
        """Create a database, and return its URL."""


class SqliteDatabases:
    """SQLite files in one folder, copied from templates in the folder of the run."""

    def __init__(self, folder: Path, run: Path) -> None:
        self._folder = folder
        self._run = run
        self._numbers = count(1)

    def copy(self) -> str:
        copy = self._folder / f"site{next(self._numbers)}.sqlite3"
        shutil.copyfile(self._with_people(), copy)
        return f"sqlite:///{copy}"

    def migrated(self) -> Path:
        """Return the path of a file with all tables, to be copied."""
        path = self._run / "migrated.sqlite3"
        once(self._run / "migrated", lambda: _migrate(f"sqlite:///{path}"))
        return path

    def _with_people(self) -> Path:
        path = self._run / "people.sqlite3"

        def make() -> None:
            shutil.copyfile(self.migrated(), path)
            _add_people(f"sqlite:///{path}")

        once(self._run / "people", make)
        return path


class PostgresDatabases:
    """Databases on the PostgreSQL server of a database URL."""

    def __init__(self, server_url: str, run: Path) -> None:
        self._server_url = server_url
        self._run = run
        self._copies: list[str] = []

    def copy(self) -> str:
        template = self._with_people()
        self._copies.append(f"site{os.getpid()}_{len(self._copies)}")
        return self._new(self._copies[-1], template)

    def copy_of(self, name: str, fill: Callable[[str], None]) -> str:
        """Create a copy of a database that `fill` fills once a run, by its name. Return the copy's name.

        Nothing may be connected to it when `fill` returns.
        """
        once(self._run / name, lambda: self._filled(name, fill))
        self._copies.append(f"{name}{os.getpid()}_{len(self._copies)}")
        self._new(self._copies[-1], name)
        return self._copies[-1]

    def _filled(self, name: str, fill: Callable[[str], None]) -> None:
        self._new(name, self._with_people())
        fill(name)

    def drop(self) -> None:
        for name in self._copies:
            drop_database(self._server_url, name)

    def migrated(self) -> str:
        """Return the name of a database with all tables, to be a template."""
        once(self._run / "migrated", lambda: _migrate(self._new("hub_migrated", "template1")))
        return "hub_migrated"

    def _with_people(self) -> str:
        once(self._run / "people", lambda: _add_people(self._new("hub_people", self.migrated())))
        return "hub_people"

    def _new(self, name: str, template: str) -> str:
        # A template of an earlier run is left, if the server belongs to the developer.
        drop_database(self._server_url, name)
        create_database(self._server_url, name, template=template)
        return urlsplit(self._server_url)._replace(path=f"/{name}").geturl()


@contextmanager
def databases_like(database_url: str, folder: Path, run: Path) -> Iterator[SqliteDatabases | PostgresDatabases]:
    """Yield databases of the same vendor as this test run's. Its workers share the folder `run`."""
    if not database_url.startswith("postgres"):
        yield SqliteDatabases(folder, run)
        return
    databases = PostgresDatabases(database_url, run)
    try:
        yield databases
    finally:
        databases.drop()


def _migrate(database_url: str) -> None:
    manage("migrate", environment=site_environment(DATABASE_URL=database_url))


def _add_people(database_url: str) -> None:
    shell = Shell(site_environment(DATABASE_URL=database_url))
    try:
        shell.python("""
            from django.core.management import call_command
            for command in ("createcachetable", "hub_demo"):
                call_command(command)
        """)
    finally:
        shell.close()
