"""Programs that tests start. Each has its own port, logs to a file, and ends with its test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, Self

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-headless-shell", "firefox-esr")


def tool(name: str) -> str:
    """Return the path of a program. If it is not installed, fail the test, because a skip would hide that.

    Every test with a browser asks here for its program, so a run `WITHOUT_BROWSERS` skips exactly these tests.
    """
    if name in BROWSERS and "WITHOUT_BROWSERS" in os.environ:
        pytest.skip("needs a browser")
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed; bin/test installs what tests need", pytrace=False)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], object], *, seconds: float = 30.0, what: str = "it", every: float = 0.02) -> None:
    """Return once `holds()` is true. Raise `AssertionError` if it takes too long. It looks `every` few seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds:g} s")
        time.sleep(every)


def accepts_connections(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def family(pid: int) -> list[int]:
    """Return a process and its descendants, the ones that run now."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(descendant for child in children for descendant in family(int(child)))]


def signal_each(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes. One that has ended meanwhile gets none."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Let processes stand still for the length of a block."""
    signal_each(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_each(pids, signal.SIGCONT)


class Closing(ABC):
    """A context manager that closes itself at the end of its block."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class ClosingParts(Closing):
    """A site whose parts have names, and stand still while they are paused."""

    @abstractmethod
    def pids(self, part: str) -> list[int]:
        """Return the processes of a part, its own first."""

    def pause(self, part: str) -> None:
        """Let a part hang: its connections stay open, and nothing answers."""
        self.signal(part, signal.SIGSTOP)

    def resume(self, part: str) -> None:
        self.signal(part, signal.SIGCONT)

    def signal(self, part: str, number: signal.Signals) -> None:
        pids = self.pids(part)
        assert pids, f"{part} does not run"
        signal_each(pids, number)


class Process(Protocol):
    """The part of a process that `Program` needs."""

    @property
    def args(self) -> object: ...

    pid: int

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float = ...) -> int: ...

    def kill(self) -> None: ...

    def send_signal(self, number: int, /) -> None: ...


class Program:
    """One run of a program, in its own process group, so that its children end with it."""

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
            self.process: Process = subprocess.Popen(
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

    def wait_until_ready(self, ready: Callable[[], object], *, seconds: float = 120.0) -> None:
        """Return once `ready()` is true. Raise `AssertionError`, with the log, if it ended or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running or time.monotonic() > deadline:
                output = self.log.read_text(errors="replace")[-4000:]
                self.kill()
                raise AssertionError(f"{self.process.args!r} did not start:\n{output}")
            time.sleep(0.05)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, *, seconds: float = 30.0) -> None:
        """Ask the program to end. If it does not, kill it and raise `AssertionError`."""
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
        """Kill the program and its children at any instruction, as a crash would."""
        if self.running:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(60.0)
