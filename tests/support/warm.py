"""Start Python processes that have made most of their imports already, in a third of the time that Django takes.

Servers start cold, as in production, so that an import that the hub forgets is found. So do processes whose environment
sets an option of Python itself.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

from tests.support.processes import ROOT

STDERR = 2
OF_A_FORK = {"PYTHONPATH", "PYTHONUNBUFFERED"}
"""The variables for Python itself that a fork follows."""


class Server:
    """The process that forks: see `tests.support.warm_server`. It ends with this one."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm_server", str(theirs.fileno())],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
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


server = cache(Server)


class Fork:
    """One run of Python with these arguments, that reads and writes these files."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path = ROOT,
        files: tuple[int, int, int],
    ) -> None:
        assert is_for_a_fork(environment), "a fork cannot follow an option of Python itself"
        start = {"arguments": list(map(str, arguments)), "environment": dict(environment), "folder": str(folder)}
        self._ended, ending = os.pipe()
        try:
            server().fork(start, (*files, ending))
        finally:
            os.close(ending)

    def wait(self) -> int:
        """Return the exit code, or the negative number of the signal that ended it."""
        with os.fdopen(self._ended, "rb") as ended:
            return int(ended.read())


def is_for_a_fork(environment: Mapping[str, str]) -> bool:
    return {name for name in environment if name.startswith("PYTHON")} <= OF_A_FORK


def run(
    arguments: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path = ROOT, lines: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, with `lines` as its input. Return its exit code and what it printed."""
    with TemporaryFile("w+") as given, TemporaryFile("w+") as printed, TemporaryFile("w+") as complained:
        given.write(lines)
        given.seek(0)
        files = (given.fileno(), printed.fileno(), complained.fileno())
        code = Fork(arguments, environment=environment, folder=folder, files=files).wait()
        printed.seek(0)
        complained.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, printed.read(), complained.read())


class Conversation:
    """A run of Python that answers each line with one."""

    def __init__(self, arguments: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path = ROOT) -> None:
        read, theirs_to_write = os.pipe()
        theirs_to_read, write = os.pipe()
        try:
            files = (theirs_to_read, theirs_to_write, STDERR)
            self._fork = Fork(arguments, environment=environment, folder=folder, files=files)
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
        self._fork.wait()
