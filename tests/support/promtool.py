"""Prometheus' own checker of rules and configuration."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT


def promtool(*arguments: str, folder: Path) -> str:
    """Run promtool in a folder. Fail the test with its words if it finds a fault."""
    run = subprocess.run([_program(), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.fail(f"promtool {' '.join(arguments)}:\n{run.stdout}{run.stderr}", pytrace=False)
    return run.stdout


def _program() -> str:
    """Return its path: where bin/test unpacks it, or on the PATH."""
    found = shutil.which("promtool", path=str(ROOT / ".venv" / "bin")) or shutil.which("promtool")
    if found is None:
        pytest.fail("promtool is missing; bin/test unpacks it from Debian's package `prometheus`", pytrace=False)
    return found
