"""The script `bin/run`, after its first start has set everything up."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import requests

from tests.support.processes import ROOT, Program, free_port, wait_until
from tests.support.site import Visitor

RUN = str(ROOT / "bin" / "run")
SHOW = """
from django.conf import settings
from django.contrib.auth import get_user_model
print(settings.SECRET_KEY, settings.NOTIFICATIONS_HUB["VAPID_PRIVATE_KEY"], settings.DEBUG, sep="\\n")
people = get_user_model().objects
print(people.get(username="alice").username)
people.create_superuser("grace", "grace@example.com", "garden-path-7")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    database = f"sqlite:///{folder / 'db.sqlite3'}"
    return {**kept, "PORT": str(free_port()), "DATABASE_URL": database, "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def running(environment: dict[str, str], folder: Path) -> Iterator[Program]:
    program = _start(environment, folder)
    yield program
    program.kill()


def test_it_prints_its_address_and_the_demo_people(running: Program, environment: dict[str, str]) -> None:
    log = running.log.read_text()

    assert f"http://127.0.0.1:{environment['PORT']}" in log
    assert "alice, bob, charlie or admin; the password is demo" in log


@pytest.mark.faults
def test_a_killed_worker_is_restarted_and_ends_with_it(running: Program, environment: dict[str, str]) -> None:
    first = _worker_of(running)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: _worker_of(running) not in (0, first), seconds=30)
    second = _worker_of(running)
    running.kill()

    wait_until(lambda: not Path(f"/proc/{second}/cmdline").exists(), seconds=30)


def test_its_keys_are_kept_in_a_file_that_only_its_owner_can_read(running: Program) -> None:
    keys = ROOT / "var" / "run.env"

    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert {line.split("=")[0] for line in keys.read_text().splitlines()} >= {"SECRET_KEY", "VAPID_PRIVATE_KEY"}


def test_commands_of_bin_manage_run_with_the_settings_of_the_served_site(
    running: Program, environment: dict[str, str]
) -> None:
    keys = dict(line.split("=", 1) for line in (ROOT / "var" / "run.env").read_text().splitlines())
    shown = manage(environment, "shell", "--verbosity", "0", "--command", SHOW).stdout.splitlines()

    assert shown == [keys["SECRET_KEY"], keys["VAPID_PRIVATE_KEY"], "True", "alice"]
    grace = Visitor(f"http://127.0.0.1:{environment['PORT']}")
    grace.sign_in("grace", "garden-path-7")
    assert grace.get("/admin/").status_code == 200


def test_an_error_of_manage_is_passed_on(environment: dict[str, str]) -> None:
    run = manage(environment, "no_such_command")

    assert run.returncode == 1
    assert "Unknown command: 'no_such_command'" in run.stderr


@pytest.mark.clocked
def test_ctrl_c_stops_it_cleanly_and_a_second_start_takes_under_five_seconds(
    running: Program, environment: dict[str, str], folder: Path
) -> None:
    running.stop(signal.SIGINT, seconds=6)

    assert running.process.returncode in (0, 130)
    assert "Traceback" not in running.log.read_text()
    began = time.monotonic()
    _start(environment, folder).kill()
    assert time.monotonic() - began < 5


def test_a_port_in_use_is_reported_in_one_line(environment: dict[str, str]) -> None:
    environment = {**environment, "PORT": str(free_port())}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["PORT"])))
        taken.listen()
        run = subprocess.run([RUN], env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert run.stderr.startswith(f"bin/run: port {environment['PORT']} cannot be used")
    assert run.stderr.count("\n") == 1


def test_a_database_of_an_earlier_version_is_rejected_with_the_command_to_delete_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    old = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(old)) as database:
        database.execute("CREATE TABLE django_migrations (id integer, app text, name text, applied text)")
        for number, name in enumerate(("0001_initial", "0005_row_change")):
            row = (number, "notifications_hub", name, "2026-11-01")
            database.execute("INSERT INTO django_migrations VALUES (?, ?, ?, ?)", row)
        database.commit()
    elsewhere = {**environment, "DATABASE_URL": f"sqlite:///{old}", "PORT": str(free_port())}

    run = subprocess.run([RUN], env=elsewhere, capture_output=True, text=True, timeout=60, check=False)

    assert run.returncode == 1
    assert "was made by an earlier version (it has notifications_hub.0005_row_change)" in run.stderr
    assert f"rm -f {old} {old}-wal {old}-shm\n" in run.stderr


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "bin" / "manage"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _worker_of(program: Program) -> int:
    """Return the process id of the worker that it started. Wait up to 10 s for it; return 0 if there is none."""
    for _ in range(100):
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):
                is_child = f"PPid:\t{program.process.pid}\n" in status.read_text()
                if is_child and b"bin.worker" in (status.parent / "cmdline").read_bytes():
                    return int(status.parent.name)
        time.sleep(0.1)
    return 0


def _start(environment: dict[str, str], folder: Path) -> Program:
    program = Program([RUN], log=folder / "log", environment=environment)
    # The very first start may have to install packages.
    program.wait_until_ready(lambda: _answers(environment["PORT"]), seconds=180)
    return program


def _answers(port: str) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=30).status_code == 200
    except requests.ConnectionError:
        return False
