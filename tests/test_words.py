"""The code keeps to plain English: docstrings begin with a verb or a noun, and replaced words do not come back."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ROOT

# A docstring says what a thing does or is. These words begin a fragment instead.
_FRAGMENTS = """
    about after as at before beside besides between by for from gives how if in of on says since tells till to until
    what whatever when whenever where wherever whether which while who whoever whom whose why with without
"""
FRAGMENTS = frozenset(_FRAGMENTS.split())
REPLACED = re.compile(r"\b(?:(?:un)?told|roads?)\b", re.IGNORECASE)
"""The glossary's delivery method and delivered took their place."""
HISTORY = ("CHANGELOG.md", "tests/test_docs.py", "tests/test_words.py")


def tracked(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "-z", "--", *patterns]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]


def first_words(path: Path) -> Iterator[tuple[int, str]]:
    for node in definitions(ast.parse(path.read_text())):
        words = (ast.get_docstring(node, clean=False) or "").split()
        if words:
            yield node.body[0].lineno, words[0].strip(".,:;").lower()


def definitions(tree: ast.AST) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the node and all below it that may have a docstring. None is inside an expression."""
    if isinstance(tree, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        yield tree
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            yield from definitions(node)


def test_a_docstring_begins_with_a_verb_or_a_noun() -> None:
    modules = tracked("*.py")
    assert len(modules) > 400
    fragments = [
        f"{module}:{line}" for module in modules for line, word in first_words(ROOT / module) if word in FRAGMENTS
    ]
    assert fragments == []


@pytest.mark.parametrize("pattern", ["*.py", "*.js", "*.html", "*.css", "*.md", "*.po", "*.toml"])
def test_no_file_uses_a_word_that_the_glossary_replaced(pattern: str) -> None:
    files = tracked(pattern, *(f":!{name}" for name in HISTORY))
    assert files
    assert [name for name in files if REPLACED.search((ROOT / name).read_text())] == []
