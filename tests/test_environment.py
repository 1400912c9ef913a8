"""The installs of bin/test: each is made once, and a download that fails names the remedy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

sys.path.append(str(ROOT / "bin"))
from environment import Venv, install_sdist

PACKAGE = "django-notifications-community"


@pytest.fixture
def lock(tmp_path: Path) -> str:
    path = tmp_path / "lock.txt"
    path.write_text(f"{PACKAGE}==0.0.0 \\\n    --hash=sha256:{'0' * 64}\n")
    return str(path)


def test_a_source_that_cannot_be_downloaded_names_the_remedy(lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SystemExit) as ended:
        install_sdist(PACKAGE, lock, venv=Venv(Path(sys.prefix)))
    folder = Path(sys.prefix, "sdists")
    assert f"put its .tar.gz into {folder} by hand" in str(ended.value)
    assert not list(folder.glob("*-0.0.0*"))


def test_a_source_that_is_there_is_not_downloaded_again(
    lock: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sdists").mkdir()
    (tmp_path / "sdists" / "django_notifications_community-0.0.0.tar.gz").touch()
    # This environment has no Python that could download it.
    install_sdist(PACKAGE, lock, venv=Venv(tmp_path))
    assert capfd.readouterr().out == ""


def test_a_package_that_the_lock_lacks_is_named(lock: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="does not name django-nothing"):
        install_sdist("django-nothing", lock, venv=Venv(tmp_path))
