"""A PostgreSQL for tests: a new cluster in a temporary folder, on a free port, removed when it is closed.

    python -m tests.support.postgres COMMAND...

runs a command with `DATABASE_URL` set to such a server. `POSTGRES_BIN` names the folder of another version's programs.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.processes import (
    Closing,
    Program,
    accepts_connections,
    family,
    free_port,
    signal_each,
    tool,
    wait_until,
)

# Tests kill servers, never the machine, so data that reached the kernel survives any crash.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")

CLUSTER = ("-U", "hub", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")


class PostgresServer(Closing):
    """A running server; `url` names its database `hub`. A standby follows another server until it is promoted.

    `address` is where others reach it, from another host of its network too.
    Its files are removed when it is closed, unless they are to be kept in a folder for a later run.
    """

    settings: Sequence[str] = FAST

    def __init__(
        self,
        *,
        standby_of: PostgresServer | None = None,
        kept_in: Path | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self.port = free_port()
        self._address = address
        self._user = _owner()
        self._is_kept = kept_in is not None
        self._folder = kept_in or Path(tempfile.mkdtemp(prefix="hub-postgres-"))
        is_new = not self._data.exists()
        try:
            if is_new:
                self._create_cluster(standby_of)
            self.start()
            if is_new and standby_of is None:
                self.create_database("hub")
        except BaseException:  # Ctrl-C too: nobody else could stop the program
            self.close()
            raise

    @property
    def url(self) -> str:
        return self.url_of("hub")

    @property
    def process_id(self) -> int:
        return self._program.process.pid

    @property
    def running(self) -> bool:
        return self._program.running

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def url_of(self, database: str) -> str:
        return f"postgres://hub@{self._address}:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database and return its URL."""
        create_database(self.url_of("postgres"), name, template=template)
        return self.url_of(name)

    def start(self) -> None:
        """Start the server, also after a `kill`."""
        settings = [
            part for setting in (*self.settings, f"unix_socket_directories={self._folder}") for part in ("-c", setting)
        ]
        server = [
            program_of_postgres("postgres"),
            "-D",
            str(self._data),
            "-h",
            self._address,
            "-p",
            str(self.port),
            *settings,
        ]
        self._program = Program(server, log=self._folder / "log", user=self._user)
        self._program.wait_until_ready(self._answers)

    def stop(self) -> None:
        # SIGINT is PostgreSQL's "fast" shutdown: it does not wait for clients to leave.
        self._program.stop(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server and its backends, which lead process groups of their own, at any instruction."""
        backends = family(self.process_id)[1:]
        signal_each((self.process_id, *backends), signal.SIGKILL)
        self._program.kill()
        # A backend that is not gone yet holds the shared memory, and another server would refuse to start.
        wait_until(lambda: not _are_running(backends), what="the end of every backend")

    def pause(self) -> None:
        """Stop every process of the server where it is. It then answers nothing, and refuses nothing either."""
        signal_each(family(self.process_id), signal.SIGSTOP)

    def resume(self) -> None:
        signal_each(family(self.process_id), signal.SIGCONT)

    def promote(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def close(self) -> None:
        """Stop the server and remove its files, if they are not kept."""
        if hasattr(self, "_program"):
            self.stop()
        if not self._is_kept:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _create_cluster(self, standby_of: PostgresServer | None) -> None:
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        command = [program_of_postgres("initdb"), "-D", str(self._data), *CLUSTER]
        if standby_of is not None:
            primary = f"host=127.0.0.1 port={standby_of.port} user=hub"
            command = [
                program_of_postgres("pg_basebackup"),
                "-D",
                str(self._data),
                "-d",
                primary,
                "-R",
                "-c",
                "fast",
                "--no-sync",
            ]
        made = Program(command, log=self._folder / "log", user=self._user)
        if made.process.wait(120) != 0:
            raise AssertionError(f"{command[0]} failed:\n{made.log.read_text()}")
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")

    def _answers(self) -> bool:
        if not accepts_connections(self.port, self._address):
            return False
        try:
            psycopg.connect(self.url_of("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True


def _are_running(pids: Sequence[int]) -> bool:
    return any(_state_of(pid) not in ("", "Z") for pid in pids)


def _state_of(pid: int) -> str:
    """Return the state letter of a process, or an empty text if there is none. A container may keep zombies."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def create_database(server_url: str, name: str, *, template: str = "template1") -> None:
    """Create a database on the server of any database URL. To copy the files takes half the time of copying pages."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server_url, autocommit=True) as connection:
        copies_files = sql.SQL(" STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else "")
        connection.execute(statement + copies_files)


def drop_database(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _owner() -> str | None:
    """Return the user to run as, if this process is root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def program_of_postgres(name: str) -> str:
    """Return the path of a server program. Debian keeps those of each version apart and off the PATH."""
    if folder := os.environ.get("POSTGRES_BIN"):
        return _in_folder(Path(folder), name)
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(installed[-1]) if installed else tool(name)


def _in_folder(folder: Path, name: str) -> str:
    # Packages of a version may contain the server alone, and another version's tools refuse to work with it.
    if not (folder / name).exists():
        pytest.skip(f"{folder} has no {name}")
    return str(folder / name)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with PostgresServer() as server:
        return subprocess.run(sys.argv[1:], env={**os.environ, "DATABASE_URL": server.url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
