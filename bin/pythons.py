"""The newest Python on this machine among those that pyproject.toml declares."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from environment import ROOT

# The modules that Python is often built without, and the tests need.
WORKS = "import ctypes, ensurepip, sqlite3, ssl"
_NAME = re.compile(r"python(3\.\d+)")


@dataclass(frozen=True, order=True)
class Python:
    version: tuple[int, ...]
    path: str


def newest_python() -> Python:
    """Return the newest declared Python that works here: at worst the one that runs this."""
    own = Python(sys.version_info[:2], sys.executable)
    declared = _declared()
    for found in sorted({one for one in _candidates() if one.version in declared and one > own}, reverse=True):
        if subprocess.run([found.path, "-c", WORKS], capture_output=True, check=False).returncode == 0:
            return found
    return own


def _declared() -> set[tuple[int, ...]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        classifiers: list[str] = tomllib.load(file)["project"]["classifiers"]
    names = re.findall(r"Python :: (3\.\d+)$", "\n".join(classifiers), re.MULTILINE)
    return {_version(name) for name in names}


def _candidates() -> Iterator[Python]:
    for folder in _folders():
        for path in folder.glob("python3.*"):
            if found := _NAME.fullmatch(path.name):
                yield Python(_version(found[1]), str(path))


def _folders() -> Iterator[Path]:
    yield from map(Path, os.get_exec_path())
    yield Path("/usr/local/bin")
    # pyenv's own commands on the PATH start only the versions that its user has chosen.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from pyenv.glob("versions/*/bin")


def _version(name: str) -> tuple[int, ...]:
    return tuple(map(int, name.split(".")))
