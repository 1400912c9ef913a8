"""Backups of a site's database, as an operator makes and restores them: by pg_dump, or as a copy of the SQLite file."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.databases import Databases
from tests.support.postgres import PostgresServer, program_of_postgres


def back_up(database_url: str, backup: Path) -> None:
    """Write a backup while the site is running."""
    if database_url.startswith("postgres"):
        _run("pg_dump", "--format=custom", f"--file={backup}", _of_postgres(database_url))
        return
    with closing(sqlite3.connect(_file_of(database_url))) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)


def restore(database_url: str, backup: Path) -> None:
    """Replace everything by the backup. SQLite's file may be restored only while no program has it open."""
    if database_url.startswith("postgres"):
        _run(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--single-transaction",
            "-d",
            _of_postgres(database_url),
            str(backup),
        )
        return
    file = _file_of(database_url)
    for leftover in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        leftover.unlink(missing_ok=True)
    file.write_bytes(backup.read_bytes())


@contextmanager
def server_with_tables(databases: Databases, folder: Path) -> Iterator[PostgresServer]:
    """Run a PostgreSQL that a test may stop and kill, with a site's tables and people. To migrate takes seconds."""
    back_up(databases.copy(), folder / "tables")
    with PostgresServer() as server:
        restore(server.url, folder / "tables")
        yield server


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run([program_of_postgres(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{program} failed:\n{done.stderr}"


def _of_postgres(database_url: str) -> str:
    return database_url.replace("postgres://", "postgresql://", 1)


def _file_of(database_url: str) -> Path:
    return Path(database_url.removeprefix("sqlite:///"))
