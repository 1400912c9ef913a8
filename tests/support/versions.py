"""The version of this repository before the one under test."""

from __future__ import annotations

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.processes import ROOT


def version_before(folder: Path) -> Path:
    """Write the files of the commit before this one into a folder, and return it. `PREVIOUS` names another commit."""
    commit = os.environ.get("PREVIOUS", "HEAD~1")
    written = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if written.returncode != 0:
        pytest.skip(f"git has no {commit} here: {written.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(written.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def environment_of(version: Path) -> dict[str, str]:
    """Return what lets `python -m …` import this version, wherever it is started."""
    return {"PYTHONPATH": str(version), "PYTHONSAFEPATH": "1"}


def server_of(version: Path) -> tuple[str, str]:
    """Return the command of this version's server, for `Site`."""
    return (str(version / "manage.py"), "hub_serve")
