"""The conditions of a release: a version, notes, URLs, and no changes beside the commit."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

URLS = ("Changelog", "Documentation", "Issues", "Repository")
NOT_ON_AN_INDEX = "Until the first release is on an index"
"""The beginning of a sentence in the README that is true until then."""
RULES = "See docs/releasing.md."
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
_FINAL = re.compile(r"\d+\.\d+\.\d+(?:rc\d+)?")
_HEAD = re.compile(r"^## (\S+)(?: \((\d{4}-\d\d-\d\d)\))?\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Release:
    version: str
    notes: str
    """The section of CHANGELOG.md."""
    epoch: int
    """When the commit was made, in seconds since 1970."""

    @property
    def tag(self) -> str:
        return f"v{self.version}"


def read_release(repository: Path) -> Release:
    found = _VERSION.search((repository / "notifications_hub" / "__init__.py").read_text())
    notes = _HEAD.search((repository / "CHANGELOG.md").read_text())
    epoch = int(git(repository, "log", "-1", "--format=%ct"))
    return Release(found[1] if found else "", notes[3].strip() if notes else "", epoch)


def refusals(repository: Path, release: Release) -> Iterator[str]:
    """Yield each reason why this commit cannot be released, with its remedy."""
    if changes := git(repository, "status", "--porcelain"):
        yield f"There are changes that are not committed:\n{changes}"
    if not _FINAL.fullmatch(release.version):
        yield f"The version is {release.version!r}. Set __version__ in notifications_hub/__init__.py, as in '1.2.3'."
    yield from _refused_client(repository, release)
    yield from _refused_notes(repository, release)
    if git(repository, "tag", "--list", release.tag):
        yield f"The tag {release.tag} exists. A version is released once: take the next one."
    if release.tag in _tags_elsewhere(repository):
        yield f"The remote repository has the tag {release.tag}. A version is released once: take the next one."
    yield from _refused_urls(repository)
    if NOT_ON_AN_INDEX in (repository / "README.md").read_text():
        yield f"README.md says {NOT_ON_AN_INDEX!r}. Delete the sentence: it stands on the index with this release."


def _refused_client(repository: Path, release: Release) -> Iterator[str]:
    """Refuse another version of the npm package. It is spelled as in SemVer."""
    found = json.loads((repository / "client" / "package.json").read_text())["version"]
    wanted = re.sub(r"rc(\d+)$", r"-rc.\1", release.version)
    if found != wanted:
        yield f"client/package.json has the version {found!r}. Set it to {wanted!r}."


def _refused_notes(repository: Path, release: Release) -> Iterator[str]:
    head = _HEAD.search((repository / "CHANGELOG.md").read_text())
    wanted = f"## {release.version} ({datetime.now(UTC).date()})"
    if head is None or head[1] != release.version:
        found = head[1] if head else "nothing"
        yield f"CHANGELOG.md begins with {found}. Begin it with '{wanted}'."
    elif head[2] is None:
        yield f"CHANGELOG.md has no date. Write '{wanted}'."
    elif not release.notes:
        yield f"CHANGELOG.md says nothing about {release.version}."


def _refused_urls(repository: Path) -> Iterator[str]:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    urls = project.get("urls", {})
    if missing := [name for name in URLS if not urls.get(name, "").startswith("https://")]:
        yield (
            f"pyproject.toml names no {' and no '.join(missing)}. Add them to [project.urls], so that people "
            f"find the project from the index. {RULES}"
        )


def _tags_elsewhere(repository: Path) -> set[str]:
    """Return the tags of the remote `origin`, if there is one."""
    if "origin" not in git(repository, "remote").split():
        return set()
    return set(re.findall(r"refs/tags/(\S+)$", git(repository, "ls-remote", "--tags", "origin"), re.MULTILINE))


def git(repository: Path, *arguments: str) -> str:
    run = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return run.stdout.strip()
