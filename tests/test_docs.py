"""What the documents say is there, is there; and what is there, they say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from notifications_hub import conf
from tests.support.processes import ROOT

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
README = (ROOT / "README.md").read_text()


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


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith(("http:", "https:", "/")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/.-]+?\.(?:py|js))(?:::(\w+))?`", page.read_text()):
        assert f"def {name}(" in (ROOT / file).read_text() if name else (ROOT / file).is_file(), f"{file}::{name}"


def test_every_threat_has_a_row_with_a_test_unless_it_comes_later() -> None:
    rows = re.findall(r"^\| (S\d+) \| (.+) \| (.+) \| (.+) \|$", SECURITY, re.MULTILINE)
    assert [number for number, *_ in rows] == [f"S{number}" for number in range(1, 37)]
    for number, _threat, _done, shown in rows:
        assert "::" in shown or (shown, number) == ("later", "S29"), number


def test_the_readme_shows_python_that_is_python() -> None:
    blocks = re.findall(r"```python\n(.+?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        ast.parse(block)


def test_the_recipe_for_a_host_has_at_most_ten_lines_of_code() -> None:
    recipe = re.search(r"## Put it in your own project\n\n```python\n(.+?)```", README, re.DOTALL)
    assert recipe is not None
    code = [line for line in recipe[1].splitlines() if line and not re.fullmatch(r"# \w+\.py", line)]
    assert 5 <= len(code) <= 10
