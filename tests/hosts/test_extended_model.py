"""A host that adds columns to notifications, and an inbox for each tenant: see `extended_model/`.

The proofs run in a process of their own. A subclass of `NotificationExtension` is part of every notification of the
process that installs it.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.processes import ROOT

FOLDER = "tests/hosts/extended_model"
PROOFS = [f"{FOLDER}/{name}.py" for name in ("writing", "reading", "scopes", "samples")]
OPTIONS = ["-q", "--ds", "tests.hosts.extended_model.settings"]


@pytest.mark.both_databases(short="postgresql")
def test_a_host_adds_columns_and_scopes_to_notifications() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", *OPTIONS, *PROOFS]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
