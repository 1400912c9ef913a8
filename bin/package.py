"""The sdist and the wheel of this repository, and environments to install them in."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from environment import PYTHON, ROOT, VENV


def export(repository: Path, folder: Path) -> None:
    """Put the files of the last commit into a folder, and nothing that lies beside them."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=repository, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def build(source: Path, folder: Path, *, epoch: int) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from the sdist. Return both.

    The locked hatchling builds them, so nothing is downloaded. `epoch` is the time that their files have.
    """
    command = [str(VENV / "bin" / "uv"), "build", "--quiet", "--no-build-isolation", "--no-create-gitignore"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run([*command, "--python", PYTHON, "--out-dir", folder, source], check=True, env=environment)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def pack_client(source: Path, folder: Path) -> None:
    """Build the npm package from a copy of the source, with the tools of this work tree."""
    (source / "node_modules").symlink_to(ROOT / "node_modules")
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, cwd=source / "client", check=True, stdout=subprocess.DEVNULL)


def install(environment: Path, *packages: str | Path) -> Path:
    """Install packages from the index into an environment, which is made if it is new. Return its Python."""
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    by_uv = [VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", python, *packages]
    # Only pip may know a mirror.
    by_pip = [PYTHON, "-m", "pip", "--quiet", "--python", python, "install", *packages]
    if subprocess.run([*map(str, by_uv)], check=False).returncode != 0:
        subprocess.run([*map(str, by_pip)], check=True)
    subprocess.run([PYTHON, "-m", "pip", "--python", python, "check"], check=True, stdout=subprocess.DEVNULL)
    return python
