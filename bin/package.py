"""The sdist and the wheel of this repository."""

from __future__ import annotations

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from environment import PYTHON, VENV


def export(repository: Path, folder: Path) -> None:
    """Put the files of the last commit into a folder, and nothing that lies beside them."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=repository, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def build(source: Path, folder: Path, *, epoch: int) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from the sdist. Return both.

    The locked hatchling builds them, so nothing is downloaded. `epoch` is the time that their files have.
    """
    command = [str(VENV / "bin" / "uv"), "build", "--quiet", "--no-build-isolation", "--python", str(PYTHON)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run([*command, "--out-dir", folder, source], check=True, env=environment)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))
