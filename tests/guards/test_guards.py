"""Remove each guard of `table.py` from a copy of this project, and check that a test fails without it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.guards.guard import Guard
from tests.guards.table import GUARDS
from tests.guards.threats import GUARDS_OF

ROOT = Path(__file__).parents[2]
PASSED, FAILED = 0, 1


def _case(guard: Guard) -> object:
    marks = [pytest.mark.postgres] if guard.postgres else []
    return pytest.param(guard, id=guard.name, marks=marks)


CASES = [_case(guard) for guard in GUARDS]


@pytest.mark.parametrize("guard", [pytest.param(guard, id=guard.name) for guard in GUARDS])
def test_the_table_names_a_guard_and_tests_that_exist(guard: Guard) -> None:
    assert (ROOT / guard.file).read_text().count(guard.text) == 1
    for test in guard.tests:
        file, _colons, name = test.partition("::")
        source = (ROOT / file).read_text()
        assert f"def {name}(" in source or not name
        # The runs without a guard are short ones, on SQLite.
        assert guard.postgres or not name or 'short="postgresql"' not in _marks_of(source, name)


def _marks_of(source: str, test: str) -> str:
    """Return the lines that mark a test: those of its file, and its decorators."""
    paragraphs = source.split("\n\n")
    of_file = [paragraph for paragraph in paragraphs if "pytestmark = " in paragraph]
    own = [paragraph.partition(f"def {test}(")[0] for paragraph in paragraphs if f"def {test}(" in paragraph]
    return "\n".join(of_file + own)


def test_thirty_guards_or_more_are_in_the_table() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS) >= 30


def test_every_threat_has_a_guard_in_the_table() -> None:
    threats = re.findall(r"^\| (S\d+) \|", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE)
    assert list(GUARDS_OF) == threats
    assert {name for names in GUARDS_OF.values() for name in names} <= {guard.name for guard in GUARDS}


@pytest.fixture(scope="module")
def copy(request: pytest.FixtureRequest, run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources that tests may break. One worker checks that they pass in an unbroken copy."""
    folder = tmp_path_factory.mktemp("guards")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    for shared in (".venv", "node_modules"):
        (folder / shared).symlink_to(ROOT / shared)
    if _is_first(run_folder / "unbroken"):
        for tests in _with_every_guard(_of_this_run(request.session)):
            run = _run(tests, folder)
            assert run.returncode == PASSED, run.stdout[-3000:]
    return folder


def _is_first(mark: Path) -> bool:
    """Return whether no other worker of this run came here before."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _of_this_run(session: pytest.Session) -> list[Guard]:
    functions = [item for item in session.items if isinstance(item, pytest.Function)]
    taken_out = (function.callspec.params["guard"] for function in functions if "copy" in function.fixturenames)
    return [guard for guard in taken_out if isinstance(guard, Guard)]


def _with_every_guard(guards: Sequence[Guard]) -> list[list[str]]:
    """Return the tests that the unchanged copy must pass: those of these guards, one list per runner."""
    named = sorted({test for guard in guards for test in guard.tests})
    scripts = [test for test in named if test.endswith(".js")]
    return [tests for tests in (scripts, [test for test in named if test not in scripts]) if tests]


@pytest.mark.faults
@pytest.mark.parametrize("guard", CASES)
def test_without_the_guard_a_test_fails(guard: Guard, copy: Path) -> None:
    file = copy / guard.file
    whole = file.read_text()
    file.write_text(whole.replace(guard.text, guard.without))
    try:
        assert _run(guard.tests, copy).returncode == FAILED
    finally:
        file.write_text(whole)


def _run(tests: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests. Return 0 if all pass and 1 if one fails; raise for any other exit status."""
    run = subprocess.run(
        _command(tests), cwd=folder, env=_environment(), capture_output=True, text=True, timeout=600, check=False
    )
    assert run.returncode in (PASSED, FAILED), run.stdout[-2000:] + run.stderr[-2000:]
    return run


def _command(tests: Sequence[str]) -> list[str]:
    if all(test.endswith(".js") for test in tests):
        return ["node", "--test", *tests]
    return [sys.executable, "-m", "pytest", "-x", "-q", *tests]


def _environment() -> dict[str, str]:
    """Return the environment of the inner run: a database of its own, and no marks of this run's worker."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "FULL"))}
    if url := environment.get("DATABASE_URL"):
        environment["DATABASE_URL"] = _beside(url)
    return environment


def _beside(url: str) -> str:
    """Return the URL of another database on the server. The inner run makes and drops its own test database."""
    return f"{url.rpartition('/')[0]}/guards"
