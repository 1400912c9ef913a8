"""`make release`: what it refuses, and what it makes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

sys.path.append(str(ROOT / "bin"))
from release_checks import NOT_ON_AN_INDEX, URLS, git, read_release, refusals

VERSION = "1.2.3"
HEAD = f"## {VERSION} (2026-11-29)\n\nThe bell rings.\n"
ADDRESSES = "[project.urls]\n" + "".join(f'{name} = "https://hub.example/{name.lower()}/"\n' for name in URLS)
NOT_THE_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "var", "__pycache__", ".*_cache", ".hypothesis"
)


def write(folder: Path, *, version: str = VERSION, npm: str = "", changelog: str = HEAD, urls: str = ADDRESSES) -> None:
    """Make the files that a release is read from those of a commit that can be released."""
    app = folder / "notifications_hub" / "__init__.py"
    if not app.exists():
        app.parent.mkdir()
        app.write_text('__version__ = ""\n')
        (folder / "pyproject.toml").write_text("[project]\n")
        (folder / "README.md").write_text("# Hub\n")
    app.write_text(re.sub('(?m)^__version__ = ".*"$', f'__version__ = "{version}"', app.read_text()))
    client = folder / "client" / "package.json"
    client.parent.mkdir(exist_ok=True)
    known = json.loads(client.read_text()) if client.exists() else {}
    client.write_text(json.dumps({**known, "version": npm or version}))
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n{changelog}\n## 1.2.2 (2026-11-01)\n\nOlder.\n")
    readme = folder / "README.md"
    readme.write_text(re.sub(rf"{NOT_ON_AN_INDEX}[^.]+\.", "", readme.read_text()))
    with (folder / "pyproject.toml").open("a") as file:
        file.write(f"\n{urls}")


def commit(folder: Path) -> Path:
    git(folder, "init", "--quiet")
    git(folder, "config", "user.name", "Alice")
    git(folder, "config", "user.email", "alice@hub.example")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Release")
    return folder


def refused(folder: Path) -> str:
    return "\n".join(refusals(folder, read_release(folder)))


def test_a_commit_with_all_it_needs_is_not_refused(tmp_path: Path) -> None:
    write(tmp_path)
    release = read_release(commit(tmp_path))
    assert (release.version, release.tag, release.notes) == (VERSION, "v1.2.3", "The bell rings.")
    assert list(refusals(tmp_path, release)) == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"version": "1.2.3.dev0"}, "The version is '1.2.3.dev0'. Set __version__"),
        ({"version": "1.2.4"}, "CHANGELOG.md begins with 1.2.3. Begin it with '## 1.2.4 ("),
        ({"npm": "1.2.2"}, "client/package.json has the version '1.2.2'. Set it to '1.2.3'."),
        ({"changelog": "## Unreleased\n\nThe bell rings.\n"}, "CHANGELOG.md begins with Unreleased"),
        ({"changelog": f"## {VERSION}\n\nThe bell rings.\n"}, "CHANGELOG.md has no date"),
        ({"changelog": f"## {VERSION} (2026-11-29)\n"}, f"CHANGELOG.md says nothing about {VERSION}"),
        ({"urls": ""}, "no Changelog and no Documentation and no Issues and no Repository"),
        ({"urls": ADDRESSES.replace("https://hub.example/issues/", "soon")}, "pyproject.toml names no Issues"),
    ],
)
def test_a_fault_is_refused_with_its_remedy(fault: dict[str, str], reason: str, tmp_path: Path) -> None:
    write(tmp_path, **fault)
    assert reason in refused(commit(tmp_path))


def test_a_readme_that_knows_no_index_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "README.md").write_text(f"{NOT_ON_AN_INDEX}, clone it.\n")
    assert "Delete the sentence" in refused(commit(tmp_path))


@pytest.mark.parametrize("file", ["CHANGELOG.md", "new.py"])
def test_a_change_that_is_not_committed_is_refused(file: str, tmp_path: Path) -> None:
    write(tmp_path)
    with (commit(tmp_path) / file).open("a") as opened:
        opened.write("\n")
    assert f"There are changes that are not committed:\n{'M' if file == 'CHANGELOG.md' else '??'}" in refused(tmp_path)


def test_a_tag_that_exists_is_refused_here_and_elsewhere(tmp_path: Path) -> None:
    (here := tmp_path / "here").mkdir()
    write(here)
    git(commit(here), "tag", f"v{VERSION}")
    git(tmp_path, "clone", "--quiet", "here", "there")
    there = tmp_path / "there"
    git(there, "tag", "--delete", f"v{VERSION}")
    assert "The tag v1.2.3 exists." in refused(here)
    assert "The remote repository has the tag v1.2.3." in refused(there)


def test_a_refused_release_changes_nothing(tmp_path: Path) -> None:
    write(copied(tmp_path), urls="")
    run = release(commit(tmp_path), "--dry-run")
    assert run.returncode == 1
    assert "bin/release: this commit cannot be released.\n- pyproject.toml names no Changelog" in run.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.exhaustive
@pytest.mark.faults
def test_a_release_is_built_checked_and_tagged_once(tmp_path: Path) -> None:
    """Follow the README in a new environment, with packages from the index. It takes minutes."""
    write(copied(tmp_path))
    commit(tmp_path)
    dry = release(tmp_path, "--dry-run")
    assert dry.returncode == 0, f"{dry.stdout}{dry.stderr}"
    assert git(tmp_path, "tag") == git(tmp_path, "status", "--porcelain") == ""
    made = tmp_path / "var" / "release" / VERSION
    built = contents(made)
    assert set(built) == {
        "SHA256SUMS",
        f"notifications-hub-client-{VERSION}.tgz",
        f"notifications_hub-{VERSION}-py3-none-any.whl",
        f"notifications_hub-{VERSION}.cdx.json",
        f"notifications_hub-{VERSION}.tar.gz",
    }
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=made, check=True)
    bill = json.loads((made / f"notifications_hub-{VERSION}.cdx.json").read_text())
    about = bill["metadata"]["component"]
    assert (bill["bomFormat"], about["name"], about["version"]) == ("CycloneDX", "notifications-hub", VERSION)
    names = {part["name"].lower(): part for part in bill["components"]}
    assert {"django", "channels", "django-ninja", "pywebpush"} <= set(names)
    assert not {"uvicorn", "pytest", "pip"} & set(names)

    tagged = release(tmp_path)
    assert tagged.returncode == 0, f"{tagged.stdout}{tagged.stderr}"
    assert contents(made) == built
    assert git(tmp_path, "cat-file", "-t", f"v{VERSION}") == "tag"
    assert "The bell rings." in git(tmp_path, "tag", "--list", "--format=%(contents)", f"v{VERSION}")
    again = release(tmp_path)
    assert (again.returncode, "The tag v1.2.3 exists." in again.stderr) == (1, True)


def copied(folder: Path) -> Path:
    """Copy the work tree, and use its environment."""
    shutil.copytree(ROOT, folder, ignore=NOT_THE_SOURCE, dirs_exist_ok=True)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to((ROOT / name).resolve())
    git(folder, "init", "--quiet")
    (folder / ".git" / "info" / "exclude").write_text(".venv\nnode_modules\n")
    return folder


def release(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "bin" / "release"), *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
