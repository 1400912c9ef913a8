"""Start Python processes that have made most of their imports already, in a third of the time that Django takes.

The servers of the README, of "Your first notification", of `bin/run` and of the image start cold, as in production, so
that an import that the hub forgets is found. With `FULL=1` all servers start cold, except those of the runs that
`tests/guards` starts. Processes whose environment sets an option of Python or TLS start cold, too. So does a run of
pytest that takes warnings as errors, because it warns of modules that are imported before it.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

from tests.support.full import FULL
from tests.support.processes import ROOT, Process, Program

STDOUT, STDERR = 1, 2
SERVER = Path(__file__).with_name("warm_server.py")
"""It is started by its path, so that no fork has a package `tests` before it looks for its own."""
OF_A_FORK = {"PYTHONPATH", "PYTHONSAFEPATH", "PYTHONUNBUFFERED"}
"""The variables for Python itself that a fork follows."""
OF_A_START = ("PYTHON", "SSL_")
"""The beginnings of names that count at the start alone. aiohttp reads the certificates as it is imported."""


class Server:
    """The process that forks: see `tests.support.warm_server`. It ends with this one."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(SERVER), str(theirs.fileno())],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"]},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        atexit.register(self._close)

    def fork(self, start: Mapping[str, object], files: Sequence[int]) -> int:
        """Return the id of a new process that has these files."""
        with self._one_at_a_time:
            socket.send_fds(self._socket, [json.dumps(start).encode()], files)
            return int(self._socket.recv(32))

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def _server_of(network: int) -> Server:
    return Server()


def server() -> Server:
    """Return the server of the network that this thread is in, as tests of network faults move between several."""
    return _server_of(Path("/proc/thread-self/ns/net").stat().st_ino)


class Fork:
    """One run of Python with these arguments, that reads and writes these files."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path = ROOT,
        files: tuple[int, int, int],
        is_server: bool = False,
    ) -> None:
        assert is_for_a_fork(environment), "a fork cannot follow an option of Python or TLS"
        self.args = list(map(str, arguments))
        self.returncode: int | None = None
        start = {
            "arguments": self.args,
            "environment": dict(environment),
            "folder": str(folder),
            "is_server": is_server,
        }
        ended, ending = os.pipe()
        self._ended = os.fdopen(ended, "rb")
        try:
            self.pid = server().fork(start, (*files, ending))
        finally:
            os.close(ending)

    def poll(self) -> int | None:
        """Return the exit code, or the negative number of the signal that ended it, or None while it runs."""
        return self._code_within(0.0)

    def wait(self, timeout: float = 600.0) -> int:
        """Return the exit code. Raise `TimeoutExpired` if it does not end."""
        if (code := self._code_within(timeout)) is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _code_within(self, seconds: float) -> int | None:
        if self.returncode is None and select.select([self._ended], [], [], seconds)[0]:
            with self._ended:
                self.returncode = int(self._ended.read())
        return self.returncode


def is_for_a_fork(environment: Mapping[str, str]) -> bool:
    return {name for name in environment if name.startswith(OF_A_START)} <= OF_A_FORK


def _started(
    arguments: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path, files: tuple[int, int, int]
) -> Process:
    """Start a fork, or a cold process if the environment sets an option of Python or TLS."""
    if is_for_a_fork(environment):
        return Fork(arguments, environment=environment, folder=folder, files=files)
    given, printed, complained = files
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        cwd=folder,
        stdin=given,
        stdout=printed,
        stderr=complained,
        start_new_session=True,
    )


def run(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path = ROOT,
    lines: str = "",
    seconds: float = 300.0,
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, with `lines` as its input. Return its exit code and what it printed."""
    with TemporaryFile("w+") as given, TemporaryFile("w+") as printed, TemporaryFile("w+") as complained:
        given.write(lines)
        given.seek(0)
        files = (given.fileno(), printed.fileno(), complained.fileno())
        process = _started(arguments, environment=environment, folder=folder, files=files)
        try:
            code = process.wait(seconds)
        finally:
            process.send_signal(signal.SIGKILL)
        printed.seek(0)
        complained.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, printed.read(), complained.read())


class WarmProgram(Program):
    """A server or a worker, whose command is `[sys.executable, …]`."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
            files = (nothing.fileno(), output.fileno(), output.fileno())
            self.process = Fork(command[1:], environment=environment, files=files, is_server=True)


def start_warm(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> Program:
    """Start a server or a worker. It starts cold with `FULL=1`, where proofs measure it."""
    start = WarmProgram if not FULL and is_for_a_fork(environment) else Program
    return start(command, log=log, environment=environment)


def start(arguments: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path = ROOT) -> Process:
    """Start Python without input. It prints where this process does."""
    with Path(os.devnull).open("rb") as nothing:
        return _started(arguments, environment=environment, folder=folder, files=(nothing.fileno(), STDOUT, STDERR))


class Conversation:
    """A run of Python that answers each line with one."""

    def __init__(self, arguments: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path = ROOT) -> None:
        read, theirs_to_write = os.pipe()
        theirs_to_read, write = os.pipe()
        try:
            files = (theirs_to_read, theirs_to_write, STDERR)
            self._process = _started(arguments, environment=environment, folder=folder, files=files)
        finally:
            os.close(theirs_to_read)
            os.close(theirs_to_write)
        self._questions, self._answers = os.fdopen(write, "w"), os.fdopen(read)

    def ask(self, line: str) -> str:
        """Return the answer, or an empty text if the process has ended."""
        self._questions.write(f"{line}\n")
        self._questions.flush()
        return self._answers.readline()

    def close(self) -> None:
        """Let it come to its end: there are no more lines."""
        self._questions.close()
        self._answers.read()
        self._answers.close()
        self._process.wait(60.0)
