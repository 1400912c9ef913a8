"""The sdist and the wheel: the two apps with all their files, a page for the index, and nothing of this site."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import notifications_hub
from notifications_hub.inbox.api import api
from tests.support.host import NOT_OF_A_HOST
from tests.support.installed import APPS, EPOCH, packages_from_source, shared_installation, shared_packages
from tests.support.processes import ROOT

sys.path.append(str(ROOT))
from hatch_build import link_outside

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = sorted(PROJECT["optional-dependencies"])
DOCUMENTS = "https://docs.hub.example/"
BESIDE_THE_APPS = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "hatch_build.py", "pyproject.toml", ".gitignore"}


@pytest.fixture(scope="module")
def packages(run_folder: Path) -> tuple[Path, Path]:
    return shared_packages(run_folder)


@pytest.fixture(scope="module")
def sdist(packages: tuple[Path, Path]) -> Path:
    return packages[0]


@pytest.fixture(scope="module")
def wheel(packages: tuple[Path, Path]) -> Path:
    return packages[1]


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as files:
        [name] = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(files.read(name))


# Files


def test_the_wheel_contains_the_two_apps_and_nothing_of_the_site(wheel: Path) -> None:
    folders = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {folder for folder in folders if not folder.endswith(".dist-info")} == set(APPS)


def test_the_wheel_contains_every_file_of_the_apps_and_no_other(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert packed == set(_packaged_files())


def test_the_sdist_contains_what_the_wheel_is_built_from(sdist: Path) -> None:
    with tarfile.open(sdist) as files:
        packed = {name.partition("/")[2] for name in files.getnames()}

    assert packed == {*_packaged_files(), *BESIDE_THE_APPS}


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
    options = ("-p", "no:cacheprovider", "-p", "no:django", *NOT_OF_A_HOST)
    _run(installed, "-m", "pytest", *options, folder=tmp_path)


@pytest.mark.parametrize(
    "kind",
    [
        "templates/**/*.html",
        "static/**/dist/*.js",
        "static/**/dist/*.css",
        "migrations/*.py",
        "locale/**/*.mo",
        "py.typed",
    ],
)
def test_the_apps_have_every_kind_of_file(kind: str) -> None:
    found = {path.relative_to(ROOT).as_posix() for app in APPS for path in (ROOT / app).glob(kind)}

    assert found
    assert found <= set(_packaged_files())


def test_two_builds_are_the_same_to_the_byte(packages: tuple[Path, Path], tmp_path: Path) -> None:
    again = packages_from_source(tmp_path, epoch=EPOCH)

    assert [one.name for one in again] == [one.name for one in packages]
    assert [one.read_bytes() for one in again] == [one.read_bytes() for one in packages]


# Metadata


def test_the_version_is_written_in_one_place(wheel: Path, sdist: Path, metadata: Message) -> None:
    version = notifications_hub.__version__
    assert metadata["Version"] == version
    assert sdist.name == f"notifications_hub-{version}.tar.gz"
    assert wheel.name == f"notifications_hub-{version}-py3-none-any.whl"
    assert api.get_openapi_schema(path_prefix="")["info"]["version"] == version


def test_the_changelog_begins_with_the_version() -> None:
    """A version that ends in `.dev0` is not released yet, and the changelog says so."""
    head = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert head is not None
    version = notifications_hub.__version__
    assert head[1] == ("Unreleased" if version.endswith(".dev0") else version)


def test_the_index_accepts_the_metadata(packages: tuple[Path, Path]) -> None:
    _run(sys.executable, "-m", "twine", "check", "--strict", *packages)


def test_the_page_on_the_index_has_no_link_into_the_repository(metadata: Message) -> None:
    page = str(metadata.get_payload())
    assert page.startswith("# Notifications Hub\n")
    assert re.findall(r"\]\((?!https:)[^)]*\)", page) == []


def test_links_to_documents_lead_to_their_site() -> None:
    readme = (
        "![The bell](docs/images/bell.png)\n\n[settings](docs/settings.md), [keys](docs/settings.md#keys), "
        "[why](docs/decisions/README.md), [us](CONTRIBUTING.md), [Django](https://djangoproject.com), [here](#here)"
    )

    assert link_outside(readme, {"Documentation": DOCUMENTS}) == (
        f"![The bell]({DOCUMENTS}images/bell.png)\n\n"
        f"[settings]({DOCUMENTS}settings/), [keys]({DOCUMENTS}settings/#keys), "
        f"[why]({DOCUMENTS}decisions/), us, [Django](https://djangoproject.com), [here](#here)"
    )
    assert link_outside(readme, {}) == (
        "\n\nsettings, keys, why, us, [Django](https://djangoproject.com), [here](#here)"
    )


def test_every_extra_that_a_page_names_exists() -> None:
    extras = set(EXTRAS)
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "notifications_hub").rglob("*.py")]
    named = {name for page in pages for name in re.findall(r"notifications-hub\[(\w+)\]", page.read_text())}
    # Messages fill in the extras `apprise` and `webhook`: see method_checks.py.
    assert {"celery", "tasks"} <= named <= extras
    assert {"apprise", "webhook"} <= extras


# The installed app


@pytest.fixture(scope="module")
def installed(run_folder: Path) -> Path:
    return shared_installation(run_folder)


def test_every_extra_is_added_to_a_hub_that_no_index_has(installed: Path) -> None:
    """Follow the remedy of a message, such as `pip install 'notifications-hub[webhook]'`, without an index.

    pip takes all the extras at once, since its start costs most, and names one that it cannot add.
    """
    pip = [sys.executable, "-m", "pip", "--python", str(installed)]
    _run(*pip, "install", "--no-index", "--dry-run", *(f"notifications-hub[{extra}]" for extra in EXTRAS))


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
from django.db.migrations.loader import MigrationLoader
assert len(MigrationLoader(None).graph.leaf_nodes("notifications_hub")) == 1
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
