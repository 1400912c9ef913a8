"""bin/test_newest finds the newest Python, and the locks name the Django of each end of the supported range."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.processes import ROOT

sys.path.append(str(ROOT / "bin"))
from pythons import newest_python

CLASSIFIERS: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]


def declared(what: str) -> list[tuple[int, ...]]:
    versions = re.findall(rf"^{re.escape(what)} :: (\d+\.\d+)$", "\n".join(CLASSIFIERS), re.MULTILINE)
    return sorted(tuple(map(int, version.split("."))) for version in versions)


def python_in(pyenv: Path, version: str, code: str) -> Path:
    """Put a program that is called like a Python into a folder of pyenv's."""
    path = pyenv / "versions" / f"{version}.0" / "bin" / f"python{version}"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_names_the_oldest_and_the_newest_django(lock: str) -> None:
    locked = re.findall(r"^django==(\d+)\.(\d+)", (ROOT / lock).read_text(), re.MULTILINE)
    versions = declared("Framework :: Django")

    assert [tuple(map(int, version)) for version in locked] == [versions[0], versions[-1]]


def test_the_newest_declared_python_that_works_is_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    newest = ".".join(map(str, declared("Programming Language :: Python")[-1]))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    python_in(tmp_path, "3.99", "exit 0")  # not declared
    before = newest_python()
    broken = python_in(tmp_path, newest, "exit 1")
    assert newest_python() == before

    broken.write_text("#!/bin/sh\nexit 0\n")
    assert newest_python().path == str(broken)
