"""A large site's rows on a PostgreSQL of their own, kept between runs, and the cases that run over them.

`python -m bench.kept_rows load|cases '{"notifications": 10000000}'` works on the database of `DATABASE_URL`, in a
process with Django.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.support.postgres import PostgresServer
from tests.support.processes import ROOT
from tests.support.site import manage, site_environment

FOLDER = Path(os.environ.get("BENCH_FOLDER", ROOT / "var"))
SOURCES = (
    "tests/cost/loading.py",
    "notifications_hub/migrations/0001_initial.py",
    "accounts/migrations/0001_initial.py",
)
PREFIX = "bench-rows-"


class LargePostgres(PostgresServer):
    """A server that loads rows quickly. It has the memory that PostgreSQL's documentation recommends to begin with."""

    settings = (
        *("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50"),
        *("shared_buffers=2GB", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=8GB", "checkpoint_timeout=1h"),
    )


@contextmanager
def kept_rows(notifications: int) -> Iterator[dict[str, str]]:
    """Yield the environment of a process on the loaded rows. They are loaded anew if the tables or the rows changed."""
    folder = FOLDER / f"{PREFIX}{_fingerprint(notifications)}"
    is_loaded = folder / "loaded"
    if not is_loaded.exists():
        for stale in FOLDER.glob(f"{PREFIX}*"):
            shutil.rmtree(stale)
    folder.mkdir(parents=True, exist_ok=True)
    with LargePostgres(kept_in=folder) as server:
        environment = site_environment(DATABASE_URL=server.url)
        if not is_loaded.exists():
            for command in ("migrate", "createcachetable"):
                manage(command, environment=environment)
            call("load", notifications, environment)
            is_loaded.touch()
        yield environment


def call(task: str, notifications: int, environment: dict[str, str]) -> Any:
    """Run a task of this module in a process of its own, and return its result."""
    arguments = json.dumps({"notifications": notifications})
    command = [sys.executable, "-m", "bench.kept_rows", task, arguments]
    run = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def _fingerprint(notifications: int) -> str:
    """Return a text that changes with the rows and with the tables."""
    sources = "".join((ROOT / name).read_text() for name in SOURCES)
    return f"{notifications}-{sha256(sources.encode()).hexdigest()[:12]}"


# In the process with Django


def load(notifications: int) -> float:
    """Load the rows, and return how many seconds it took."""
    import time

    from django.db import connection

    from tests.cost import loading

    began = time.monotonic()
    connection.ensure_connection()
    loading.load(loading.Size.of(notifications))
    return time.monotonic() - began


def cases(notifications: int) -> Sequence[dict[str, object]]:
    """Run every case, and return its statements' number, time and buffers, and those that read too much."""
    from django.test.utils import setup_test_environment

    from tests.cost.cases import cases
    from tests.cost.loading import Size
    from tests.cost.running import run

    setup_test_environment(debug=False)
    return [_row(case.name, run(case, Size.of(notifications), scans=True)) for case in cases()]


def _row(name: str, statements: Sequence[Any]) -> dict[str, object]:
    most = max(statements, key=lambda one: one.buffers, default=None)
    return {
        "name": name,
        "statements": len(statements),
        "milliseconds": sum(one.milliseconds for one in statements),
        "slowest": max((one.milliseconds for one in statements), default=0.0),
        "buffers": most.buffers if most else 0,
        "too_dear": [str(one) for one in statements if one.is_too_dear],
    }


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps({"load": load, "cases": cases}[sys.argv[1]](**json.loads(sys.argv[2]))))
