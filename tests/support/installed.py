"""The packages of this work tree, and an environment where the wheel is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.once import once
from tests.support.processes import ROOT

sys.path.append(str(ROOT / "bin"))
from package import build

APPS = ("notifications_hub", "service_worker")
OTHERS = (*("accounts", "config", "docs", "showcase"), "tests")
"""Folders that are in the repository too, and must not get into a package."""
EPOCH = 1_700_000_000
_NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc")


def packages_from_source(folder: Path, *, epoch: int) -> tuple[Path, Path]:
    """Build the sdist and the wheel from a copy of the source, since a build may leave files beside it."""
    source = folder / "source"
    source.mkdir()
    for file in (".gitignore", "pyproject.toml", "hatch_build.py", "README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    for name in (*APPS, *OTHERS):
        shutil.copytree(ROOT / name, source / name, ignore=_NOT_SOURCE)
    return build(source, folder / "dist", epoch=epoch)


def install_beside(wheel: Path, environment: Path) -> Path:
    """Install the wheel into a new environment. Return its Python.

    It also uses the packages of this environment, to download none.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python)]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "beside.pth").write_text(next(path for path in sys.path if path.endswith("site-packages")))
    return python


def shared_packages(folder: Path) -> tuple[Path, Path]:
    """Return the sdist and the wheel, which one worker builds for all that share the folder."""

    def make() -> None:
        packages_from_source(_emptied(folder / "packages"), epoch=EPOCH)

    once(folder / "packages.made", make)
    dist = folder / "packages" / "dist"
    return next(dist.glob("*.tar.gz")), next(dist.glob("*.whl"))


def shared_installation(folder: Path) -> Path:
    """Return the Python of an environment with the wheel. One worker makes it for all; nobody may change it."""
    environment = folder / "installed"

    def make() -> None:
        install_beside(shared_packages(folder)[1], _emptied(environment))

    once(folder / "installed.made", make)
    return environment / "bin" / "python"


def _emptied(folder: Path) -> Path:
    """Return the folder, without the part that a worker that failed may have left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
