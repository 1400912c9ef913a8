"""The documents match the code: settings, links, named tests, the tree of files, and plain sentences."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifications_hub import conf
from tests.support.host import readme_recipe
from tests.support.processes import ROOT

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(ROOT.glob("docs/**/*.md"))]
HUB = ROOT / "notifications_hub"
SCRIPTS = HUB / "static" / "notifications_hub"
MOST_WORDS = 25

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_every_key_has_a_row_and_every_row_is_a_key() -> None:
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", SETTINGS, re.MULTILINE)) == conf.known_keys()


def test_every_default_that_is_written_is_the_default() -> None:
    plain = conf.HubSettings()
    for key, default in re.findall(r"^\| `([A-Z_]+)` \| `(.+?)` \|", SETTINGS, re.MULTILINE):
        assert ast.literal_eval(default) == getattr(plain, key.lower()), key


def test_every_variable_the_site_reads_is_in_the_readme() -> None:
    settings = (ROOT / "config" / "settings.py").read_text()
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", settings))
    assert read, "no variable found: the pattern no longer fits"
    assert {name for name in read if f"`{name}`" not in README} == set()


@each_page
def test_every_link_and_picture_on_a_page_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith(("http:", "https:", "/")):
            assert (page.parent / target).exists(), target


@each_page
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/.-]+?\.(?:py|js))(?:::(\w+))?`", page.read_text()):
        assert f"def {name}(" in (ROOT / file).read_text() if name else (ROOT / file).is_file(), f"{file}::{name}"


def test_every_threat_has_a_row_with_a_test() -> None:
    rows = re.findall(r"^\| (S\d+) \| (.+) \| (.+) \| (.+) \|$", SECURITY, re.MULTILINE)
    assert [number for number, *_ in rows] == [f"S{number}" for number in range(1, 50)]
    for number, _threat, done, shown in rows:
        assert "::" in shown, number
        assert "later" not in done.lower(), number


def test_the_readme_shows_python_that_is_python() -> None:
    blocks = re.findall(r"```python\n(.+?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        ast.parse(block)


def test_the_recipe_for_a_host_has_at_most_ten_statements() -> None:
    assert 5 <= len(ast.parse(readme_recipe()).body) <= 10


# The tree and the walks of docs/architecture.md


def listed_files(block: str) -> Iterator[str]:
    """Yield the files of a tree: a line that begins with `folder/` opens one, other lines name its files."""
    folders: list[str] = []
    for line in block.splitlines()[1:]:
        depth = (len(line) - len(line.lstrip())) // 4 - 1
        first, *others = line.split()
        if first.endswith("/"):
            folders[depth:] = [first]
        else:
            yield from ("".join(folders[:depth]) + name for name in (first, *others))


def without_suffix(path: Path, suffix: str) -> str:
    return path.as_posix().removesuffix(suffix)


def trees() -> list[set[str]]:
    blocks = re.findall(r"```text\n(notifications_hub/ .+?)```", ARCHITECTURE, re.DOTALL)
    return [set(listed_files(block)) for block in blocks]


def test_the_tree_of_modules_is_the_real_one() -> None:
    modules = {path.relative_to(HUB) for path in HUB.rglob("*.py") if path.name != "__init__.py"}
    assert trees()[0] == {without_suffix(path, ".py") for path in modules}


def test_the_tree_of_scripts_is_the_real_one() -> None:
    files = {path.relative_to(SCRIPTS) for path in SCRIPTS.rglob("*") if path.is_file()}
    files = {path for path in files if path.parts[0] != "dist"}
    assert trees()[1] == {without_suffix(path, ".js") for path in files}


@pytest.mark.parametrize("walk", ["A notification, from", "An announcement, from"])
def test_a_walk_has_at_most_ten_steps_through_files_that_exist(walk: str) -> None:
    text = re.search(rf"^## {walk}.+?\n\n(.+?)^## ", ARCHITECTURE, re.DOTALL | re.MULTILINE)
    assert text is not None
    assert 2 <= len(re.findall(r"^\d+\. ", text[1], re.MULTILINE)) <= 10
    for file in re.findall(r"`([\w/-]+\.(?:py|js))`", text[1]):
        assert (HUB / file).is_file() or (SCRIPTS / file).is_file(), file


# Plain English


def sentences(page: str) -> Iterator[str]:
    """Yield the sentences of a page. Code blocks, tables, headings and quotations are left out."""
    text = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    text = re.sub(r"^(?:    .*|\|.*|#.*|>.*)$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"`[^`]*`", "code", text)
    for paragraph in re.split(r"\n\s*\n", text):
        yield from (" ".join(one.split()) for one in re.split(r"(?<=[.!?])[\"”)*]*\s+", paragraph))


@each_page
def test_no_sentence_of_a_page_is_long(page: Path) -> None:
    assert [one for one in sentences(page.read_text()) if len(one.split()) > MOST_WORDS] == []


@each_page
def test_no_page_uses_a_word_that_the_glossary_replaced(page: Path) -> None:
    assert re.findall(r"\b(?:roads?|told|untold)\b", page.read_text(), re.IGNORECASE) == []
