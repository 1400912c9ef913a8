"""The writer of docs/benchmarks.md: a run's figures, its machine and its versions."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.table import Table
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
PACKAGES = ("django", "uvicorn", "uvloop", "websockets", "channels", "channels-redis", "redis", "psycopg")

_HEAD = """\
# Benchmarks

The figures of one machine in one run. `make bench` rewrites this page. Everything is as in production: PostgreSQL that
waits for its disk, Redis, `DEBUG` off, `hub_serve` with one worker, signed-in sockets. The load client (bench/load.c)
and the publishers share the machine's cores with the server.
"""


def write(tables: Sequence[Table]) -> Path:
    parts = [_HEAD, _machine(), _summary(tables), *(table.markdown() for table in tables)]
    PAGE.write_text("\n".join(parts).rstrip() + "\n")
    return PAGE


def _summary(tables: Iterable[Table]) -> str:
    rows = [f"| {table.title} | {table.wanted} | {table.verdict} |" for table in tables]
    return "\n".join(["| measure | wanted | this run |", "|---|---|---|", *rows, ""])


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    day = datetime.now(UTC).date()
    lines = [
        f"- {day}: {_processor()}, {cores} cores, {memory} GB, Linux {platform.release()}, load {_load()} at the end",
        f"- Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in PACKAGES)}",
        f"- {', '.join(_programs())}",
    ]
    return "\n".join([*lines, ""])


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _programs() -> list[str]:
    postgres = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    commands = [[str(path), "--version"] for path in postgres[-1:]] + [["redis-server", "--version"], ["nginx", "-v"]]
    return [found for found in map(_version, commands) if found]


def _version(command: Sequence[str]) -> str:
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    found = re.search(r"\d+(\.\d+)+", run.stdout + run.stderr)
    return f"{Path(command[0]).name} {found[0]}" if found else ""
