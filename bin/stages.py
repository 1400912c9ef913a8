"""The stages of bin/test and bin/test_newest: what they need, and how pytest is called.

Tests that delay each other on a busy machine may fail by time alone. So a few failed tests run again, one at a time and
without parallel workers. They are named at the end, because such a failure is worth a look.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from environment import ROOT

# Program to Debian package.
PROGRAMS = {
    "dbus-daemon": "dbus-daemon",
    "git": "git",
    "initdb": "postgresql",
    "make": "make",
    "msgfmt": "gettext",
    "nginx": "nginx-light",
    "node": "nodejs",
    "npm": "npm",
    "openssl": "openssl",
    "pgbouncer": "pgbouncer",
    "redis-server": "redis-server",
    "systemd-analyze": "systemd",
}
# A developer's own settings must not reach the tests. Without compiled files every worker of both runs would compile
# everything again, which takes five seconds each.
SETTINGS = ("ALLOWED_HOSTS", "CELERY_BROKER_URL", "DATABASE_URL", "DEBUG", "PORT", "REDIS_URL", "SECRET_KEY")
LEFT_OUT = (*SETTINGS, "PYTHONDONTWRITEBYTECODE")
# More than the cores of a typical machine, because most tests of connections spend their time waiting.
WORKERS = 4
# More failures have a cause that all of them share.
MOST_RUN_AGAIN = 5
# The marks of tests that run on PostgreSQL, and of timed tests.
FOR_POSTGRES = ("both_databases", "postgres")
TIMED = "clocked"
STOPS_EARLY = re.compile(r"-\w*x|--exitfirst|--maxfail.*")
# Exit statuses of pytest.
TESTS_FAILED = 1
NOTHING_COLLECTED = 5


def files_naming(*marks: str) -> tuple[str, ...]:
    """Return the test files that name one of these marks. Collecting all the others takes seconds in each worker."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    name = re.compile("|".join(rf"\bmark\.{mark}\b" for mark in marks))
    return tuple(str(file.relative_to(ROOT)) for file in files if name.search(file.read_text()))


@dataclass(frozen=True)
class Stage:
    """One run of pytest. `python` is the command up to `-m pytest`; without `workers` tests run one at a time."""

    title: str
    python: tuple[str, ...]
    arguments: tuple[str, ...]
    workers: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def may_run_again(self) -> bool:
        """Return whether a failure leaves no test out. A run with `-x` ends at the first one."""
        return not any(STOPS_EARLY.fullmatch(one) for one in self.arguments)


def run_stages(stages: Iterable[Stage]) -> int:
    """Run stages until one fails. Return its exit status, or 0."""
    passed_alone: list[str] = []
    status = 0
    for stage in stages:
        status = run_stage(stage, passed_alone)
        if status:
            break
    for test in passed_alone:
        print(f"failed on a busy machine and passed alone: {test}", flush=True)
    return status


def run_stage(stage: Stage, passed_alone: list[str]) -> int:
    """Return the exit status, or 0 if the arguments select none of these tests, or if all that failed pass alone."""
    print(stage.title, flush=True)
    with tempfile.TemporaryDirectory(prefix="failed-tests-") as folder:
        status = call(stage, Path(folder))
        failed = failed_tests(Path(folder))
        if status == NOTHING_COLLECTED:
            return 0
        if status != TESTS_FAILED or not stage.may_run_again or not 1 <= len(failed) <= MOST_RUN_AGAIN:
            return status
        print(f"{len(failed)} failed, and run again alone:", flush=True)
        alone = call(replace(stage, workers=0), Path(folder), "--last-failed", "--last-failed-no-failures=none")
        if alone == 0 and not failed_tests(Path(folder)):
            passed_alone += failed
            return 0
    return status


def call(stage: Stage, cache: Path, *options: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    environment |= stage.settings
    # Debian keeps servers in sbin, which is not on every user's PATH.
    environment["PATH"] += ":/usr/sbin"
    parallel = ("-n", str(stage.workers)) if stage.workers else ()
    remember = ("-o", f"cache_dir={cache}")
    command = [*stage.python, "-m", "pytest", *parallel, *stage.arguments, *remember, *options]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def failed_tests(cache: Path) -> list[str]:
    """Return the tests of pytest's cache that failed, or none if a file could not be collected."""
    remembered = cache / "v" / "cache" / "lastfailed"
    failed: dict[str, bool] = json.loads(remembered.read_text()) if remembered.exists() else {}
    return list(failed) if all("::" in one for one in failed) else []
