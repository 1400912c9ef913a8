"""The package that `pip install .` installs: the two apps with all their files, and nothing of this site."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ROOT

APPS = ("notifications_hub", "service_worker")
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the source, since a build leaves files beside it."""
    source = tmp_path_factory.mktemp("source")
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    for folder in (*APPS, "accounts", "config", "showcase", "tests"):
        shutil.copytree(ROOT / folder, source / folder, ignore=NOT_SOURCE)
    built = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, source)
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the wheel. It also uses this environment's packages, to download none."""
    environment = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "beside.pth").write_text(next(path for path in sys.path if path.endswith("site-packages")))
    return python


def test_the_wheel_contains_the_two_apps_and_nothing_of_the_site(wheel: Path) -> None:
    folders = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {folder for folder in folders if not folder.endswith(".dist-info")} == set(APPS)


def test_every_file_of_the_apps_is_in_the_wheel(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())

    assert sorted(set(_packaged_files()) - packed) == []


def test_pytest_finds_the_plugin_of_an_installed_hub_in_a_project_without_django(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "test_plain.py").write_text("""
import sys

def test_plain(request):
    assert request.config.pluginmanager.has_plugin("notifications_hub")
    ours = sorted(name for name in sys.modules if name.startswith("notifications_hub"))
    assert ours == ["notifications_hub", "notifications_hub.testing", "notifications_hub.testing.plugin"]
    assert "django.apps" not in sys.modules
""")
    _run(installed, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:django", folder=tmp_path)


@pytest.mark.parametrize("kind", ["templates", "static", "migrations", "locale"])
def test_the_apps_have_every_kind_of_file(kind: str) -> None:
    assert any(f"/{kind}/" in file for file in _packaged_files())


def test_an_installed_hub_is_found_by_another_project(installed: Path, tmp_path: Path) -> None:
    """Run in a folder from which this repository's own files cannot be imported."""
    script = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["notifications_hub", "service_worker", "notifications",
                    "django.contrib.auth", "django.contrib.contenttypes"],
    NOTIFICATIONS_NOTIFICATION_MODEL="notifications_hub.Notification",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
import sys
import notifications_hub
import notifications_hub.urls
assert "pytest" not in sys.modules, "only the tests of a host may need it"
print(notifications_hub.__file__)
"""
    printed = _run(installed, "-c", script, folder=tmp_path)

    assert printed.startswith(str(installed.parent.parent))


def _packaged_files() -> Iterator[str]:
    for app in APPS:
        for path in (ROOT / app).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.name != "tsconfig.json":
                yield path.relative_to(ROOT).as_posix()


def _run(*command: str | Path, folder: Path | None = None) -> str:
    run = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    return run.stdout
