"""The folder `notifications/` after pip has mixed django-notifications-hq and the community line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import notifications
import pytest
from django.core.checks import Warning as CheckWarning

from notifications_hub.checks import check_shared_folder
from tests.support.processes import ROOT
from tests.support.site import site_environment

HQ_MODELS = "from swapper import swappable_setting\n"
UNINSTALL = "Run `pip uninstall django-notifications-hq`, then"
REINSTALL = "`pip install --force-reinstall --no-deps django-notifications-community`."


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with all packages of this environment, of which `notifications` is a copy."""
    folder = Path(str(notifications.__file__)).parent
    shutil.copytree(folder, tmp_path / "notifications")
    for other in folder.parent.iterdir():
        if other != folder:
            (tmp_path / other.name).symlink_to(other)
    return tmp_path


def install_hq(packages: Path) -> None:
    (packages / "django_notifications_hq-1.8.3.dist-info").mkdir()
    (packages / "django_notifications_hq-1.8.3.dist-info" / "METADATA").write_text("Name: django-notifications-hq\n")


def last_line_of_check(packages: Path) -> str:
    environment = site_environment() | {"PYTHONPATH": f"{packages}:{ROOT}"}
    # `-S` leaves out the environment's own packages.
    command = [sys.executable, "-S", "-m", "django", "check", "--settings", "tests.settings"]
    run = subprocess.run(command, cwd=packages, env=environment, capture_output=True, text=True, check=False)
    return (run.stdout + run.stderr).splitlines()[-1]


@pytest.mark.parametrize("file", ["__init__.py", "base/models.py", "swappable.py"])
def test_a_missing_file_is_an_error_with_the_remedy(packages: Path, file: str) -> None:
    (packages / "notifications" / file).unlink()
    assert last_line_of_check(packages).endswith(f"which the hub needs. Run {REINSTALL}")


def test_files_of_hq_are_an_error_with_the_remedy(packages: Path) -> None:
    install_hq(packages)
    (packages / "notifications" / "models.py").write_text(HQ_MODELS)
    assert last_line_of_check(packages).endswith(f"{UNINSTALL} {REINSTALL}")


def test_hq_beside_a_complete_package_is_a_warning(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_shared_folder(None) == []
    install_hq(packages)
    monkeypatch.syspath_prepend(packages)
    [warning] = check_shared_folder(None)
    assert isinstance(warning, CheckWarning)
    assert warning.msg.endswith(f"{UNINSTALL} {REINSTALL}")
