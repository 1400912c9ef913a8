"""The load client: `load.c`, which is built at first use, and its reports."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from tests.support.processes import tool

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Line:
    """One socket to open."""

    port: int
    path: str
    cookies: str = ""

    def __str__(self) -> str:
        return f"{self.port}\t{self.path}\t{self.cookies}\n"


@dataclass(frozen=True, slots=True)
class Connected:
    """The result of opening the sockets. `per_second` counts accepted sockets; `statuses` counts HTTP statuses."""

    sockets: int
    open: int
    greeted: int
    failed: int
    seconds: float
    per_second: float
    statuses: Mapping[str, int]
    codes: Mapping[str, int]

    def check(self) -> Self:
        """Return itself. Raise `AssertionError` if a socket did not open, because the measure would be worthless."""
        assert self.open == self.sockets, f"{self.failed} of {self.sockets} sockets did not open: {self}"
        return self


@dataclass(frozen=True, slots=True)
class Received:
    """The frames and events received. `disorder` counts events that did not follow their predecessor on a socket."""

    frames: int
    events: int
    disorder: int
    bytes: int
    closed: int
    greeted: int
    first_ns: int
    last_ns: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    mean_ms: float
    cpu_seconds: float
    statuses: Mapping[str, int]
    codes: Mapping[str, int]


class Client:
    """A running load client, which opens the sockets of `lines`. `options` are those of load.c, with underscores."""

    def __init__(self, lines: Iterable[Line], **options: object) -> None:
        with tempfile.TemporaryFile("w+") as given:
            given.writelines(map(str, lines))
            given.seek(0)
            command = [str(_built()), *_arguments(options)]
            self._process = subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, text=True)

    def connected(self) -> Connected:
        """Wait until every socket is open."""
        return Connected(**self._report())

    def rest(self) -> Received:
        """Wait until all expected events have arrived, or none for some seconds, and return the total."""
        self._process.send_signal(signal.SIGUSR1)
        return Received(**self._report())

    def stop(self) -> Received:
        """Stop now, and return everything received so far."""
        self._process.send_signal(signal.SIGTERM)
        return Received(**self._report())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _report(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the load client ended without a report"
        report: dict[str, Any] = json.loads(line)
        return report


def _arguments(options: Mapping[str, object]) -> list[str]:
    given: list[str] = []
    for name, value in options.items():
        if value is not False:
            given += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return given


@cache
def _built() -> Path:
    program = Path(tempfile.mkdtemp(prefix="hub-bench-")) / "load"
    subprocess.run([tool("gcc"), "-O2", "-o", str(program), str(HERE / "load.c")], check=True)
    return program
