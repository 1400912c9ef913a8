"""The table of faults names tests that exist, and says truly where they run."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.faults.proof import Proof, Runs
from tests.faults.table import PROOFS
from tests.support.processes import ROOT

HERE = Path(__file__).parent
NUMBERED = re.compile(r"\bT(\d+)\b")
ORDER = [Runs.ALWAYS, Runs.SMALLER, Runs.FAULTS]


def test_each_fault_stands_once_and_in_order() -> None:
    numbers = [proof.number for proof in PROOFS]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(1, 51))


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: f"T{proof.number}")
def test_each_named_test_exists_and_runs_where_the_table_says(proof: Proof) -> None:
    assert proof.promises
    assert proof.tests
    assert max((runs(test) for test in proof.tests), key=ORDER.index) == proof.runs


def runs(test: str) -> Runs:
    """Return where a test runs, by its marks. Raise `AssertionError` if there is no such test."""
    path, name = test.split("::")
    if path.endswith(".js"):
        assert name in (ROOT / path).read_text(), test
        return Runs.ALWAYS
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    assert hasattr(module, name), test
    marks = [mark for mark in marks_of(module, name) if mark.name == "faults"]
    if not marks:
        return Runs.ALWAYS
    return Runs.SMALLER if all(mark.kwargs.get("short") for mark in marks) else Runs.FAULTS


def marks_of(module: ModuleType, name: str) -> list[pytest.Mark]:
    given = getattr(module, "pytestmark", [])
    decorators = given if isinstance(given, list) else [given]
    return [*(one.mark for one in decorators), *getattr(getattr(module, name), "pytestmark", [])]


def test_every_test_of_this_folder_stands_in_the_row_of_its_number() -> None:
    """A docstring names the T of its test, or that of the module names the T of all its tests. The harness has none."""
    listed = {proof.number: set(proof.tests) for proof in PROOFS}
    found = list(numbered_tests())
    assert any(numbers for _test, numbers in found)
    for test, numbers in found:
        for number in numbers:
            assert test in listed.get(number, ()), f"{test} is missing in the row of T{number}"


def numbered_tests() -> Iterator[tuple[str, list[int]]]:
    """Yield the tests of faults in this folder and its own, with the numbers that their docstrings name."""
    for path in sorted(HERE.rglob("test_*.py")):
        file = path.relative_to(ROOT)
        module = importlib.import_module(".".join(file.with_suffix("").parts))
        of_module = NUMBERED.findall(module.__doc__ or "")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and function.__module__ == module.__name__:
                numbers = NUMBERED.findall(function.__doc__ or "") or of_module
                yield f"{file}::{name}", [int(number) for number in numbers]
