"""The stages of bin/test and bin/test_newest: what they need, and how pytest is called."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

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
}
# A developer's own settings must not reach the tests. Without compiled files every worker of both runs would compile
# everything again, which takes five seconds each.
SETTINGS = ("ALLOWED_HOSTS", "CELERY_BROKER_URL", "DATABASE_URL", "DEBUG", "PORT", "REDIS_URL", "SECRET_KEY")
LEFT_OUT = (*SETTINGS, "PYTHONDONTWRITEBYTECODE")
# More than the cores of a typical machine, because most tests of connections spend their time waiting.
WORKERS = 4
NOTHING_COLLECTED = 5


def timed_files() -> list[str]:
    """Return the test files with timed tests. To collect all the others too would take ten seconds."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in files if "pytest.mark.clocked" in file.read_text()]


def run_stage(title: str, command: list[str], **settings: str) -> int:
    """Return the exit status, or 0 if the arguments select none of these tests."""
    print(title, flush=True)
    outcome = call(command, settings)
    return 0 if outcome == NOTHING_COLLECTED else outcome


def call(command: list[str], settings: Mapping[str, str]) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    environment |= settings
    # Debian keeps servers in sbin, which is not on every user's PATH.
    environment["PATH"] += ":/usr/sbin"
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
