"""Programs that tests start: each on a port of its own, with its output in a file, and ended when its test is over."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tool(name: str) -> str:
    """The path of a program this machine must have. Its lack fails the test, since a skip would hide it."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed; bin/test installs what tests need", pytrace=False)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], object], *, seconds: float = 10.0, what: str = "it") -> None:
    """Return once `holds()` is true; `AssertionError` when it is not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {seconds:g} s")
        time.sleep(0.02)


def accepts_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """One run of a program in a process group of its own, so that what it started ends with it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT if user is None else "/",
                env=environment,
                user=user,
                group=None if user is None else pwd.getpwnam(user).pw_gid,
                extra_groups=None if user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait_until_ready(self, ready: Callable[[], object], *, seconds: float = 30.0) -> None:
        """Return once `ready()` is true; fails with the program's own words when it ended or took too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-4000:]
                self.kill()
                raise AssertionError(f"{self.process.args!r} did not start:\n{said}")
            time.sleep(0.05)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, *, seconds: float = 15.0) -> None:
        """Ask it to end, and insist when it does not."""
        if self.running:
            self.process.send_signal(with_signal)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(
                    f"{self.process.args!r} did not end within {seconds:g} s of {with_signal.name}"
                ) from None

    def kill(self) -> None:
        """End it and what it started at any instruction, as a crash would."""
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
