"""Databases for sites. They are set up once a session and then copied, because migrating takes seconds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from tests.support.postgres import create_database, drop_database
from tests.support.site import manage, site_environment


class Databases(Protocol):
    """A source of databases with the migrated tables and the demo people."""

    def copy(self) -> str:
        """Create a database, and return its URL."""


class SqliteDatabases:
    """SQLite files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._template = folder / "template.sqlite3"
        _set_up(f"sqlite:///{self._template}")

    def copy(self) -> str:
        copy = self._folder / f"site{next(self._numbers)}.sqlite3"
        shutil.copyfile(self._template, copy)
        return f"sqlite:///{copy}"


class PostgresDatabases:
    """Databases on the PostgreSQL server of a database URL."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._prefix = f"site{os.getpid()}"
        self._made = [self._new("template1")]
        _set_up(self._url_of(self._made[0]))

    def copy(self) -> str:
        self._made.append(self._new(self._made[0]))
        return self._url_of(self._made[-1])

    def drop(self) -> None:
        for name in self._made:
            drop_database(self._server_url, name)

    def _new(self, template: str) -> str:
        name = f"{self._prefix}_{len(getattr(self, '_made', []))}"
        create_database(self._server_url, name, template=template)
        return name

    def _url_of(self, name: str) -> str:
        return urlsplit(self._server_url)._replace(path=f"/{name}").geturl()


@contextmanager
def databases_like(database_url: str, folder: Path) -> Iterator[Databases]:
    """Yield databases of the same vendor as this test run's."""
    if not database_url.startswith("postgres"):
        yield SqliteDatabases(folder)
        return
    databases = PostgresDatabases(database_url)
    try:
        yield databases
    finally:
        databases.drop()


def _set_up(database_url: str) -> None:
    environment = site_environment(DATABASE_URL=database_url)
    for command in ("migrate", "createcachetable", "hub_demo"):
        manage(command, environment=environment)
