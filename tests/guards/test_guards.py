"""Remove each guard of `table.py` from a copy of this project, and check that a test fails without it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.guards.guard import Guard
from tests.guards.table import GUARDS
from tests.guards.threats import GUARDS_OF
from tests.support import warm
from tests.support.databases import SqliteDatabases
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
PASSED, FAILED = 0, 1
NOT_INSIDE = ("PYTEST_", "FULL", "DATABASE_URL", "PYTHON", "SSL_")
"""The beginnings of variables that an inner run does not get. With some of them it would start cold: see `warm`."""

CASES = [pytest.param(guard, id=guard.name) for guard in GUARDS]


@pytest.mark.parametrize("guard", CASES)
def test_the_table_names_a_guard_and_tests_that_exist(guard: Guard) -> None:
    assert (ROOT / guard.file).read_text().count(guard.text) == 1
    for test in guard.tests:
        file, _colons, name = test.partition("::")
        source = (ROOT / file).read_text()
        assert f"def {name}(" in source or not name
        # The runs without a guard are short ones.
        marks = _marks_of(source, name) if name else ""
        assert f'short="{_other(guard)}"' not in marks
        assert not re.search(r"mark\.(exhaustive\b|faults(?!\([^)]*short=True))", marks)


def _other(guard: Guard) -> str:
    """Return the database on which this guard's tests do not run."""
    return "sqlite" if guard.postgres else "postgresql"


def _marks_of(source: str, test: str) -> str:
    """Return the lines that mark a test: those of its file, its decorators, and the mark that they name."""
    paragraphs = source.split("\n\n")
    own = [paragraph.partition(f"def {test}(")[0] for paragraph in paragraphs if f"def {test}(" in paragraph]
    shared = ("pytestmark = ", *(["\nboth_databases = "] if any("@both_databases" in one for one in own) else []))
    of_file = [paragraph for paragraph in paragraphs if any(name in f"\n{paragraph}" for name in shared)]
    return "\n".join(of_file + own)


def test_thirty_guards_or_more_are_in_the_table() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS) >= 30


def test_every_threat_has_a_guard_in_the_table() -> None:
    threats = re.findall(r"^\| (S\d+) \|", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE)
    assert list(GUARDS_OF) == threats
    assert {name for names in GUARDS_OF.values() for name in names} <= {guard.name for guard in GUARDS}


class Copy:
    """A copy of the sources that tests may break. Its runs copy tables from the folder `tables`."""

    def __init__(self, folder: Path, tables: Path, postgres: Callable[[], PostgresServer]) -> None:
        self._folder, self._tables, self._postgres = folder, tables, postgres

    @contextmanager
    def without(self, guard: Guard) -> Iterator[None]:
        file = self._folder / guard.file
        whole = file.read_text()
        file.write_text(whole.replace(guard.text, guard.without))
        try:
            yield
        finally:
            file.write_text(whole)

    def run(self, tests: Sequence[str], *, postgres: bool) -> subprocess.CompletedProcess[str]:
        """Run tests: files of node's, or pytest ids on SQLite or PostgreSQL. Raise if the run itself fails."""
        if _is_script(tests[0]):
            command = ["node", "--test", *tests]
            run = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, timeout=600, check=False)
        else:
            # The fork has imported some packages of plugins, which no test of ours needs to see rewritten.
            options = ["-x", "-q", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
            environment = self._environment(postgres=postgres)
            run = warm.run(
                ["-m", "pytest", *options, *tests], environment=environment, folder=self._folder, seconds=600
            )
        assert run.returncode in (PASSED, FAILED), run.stdout[-2000:] + run.stderr[-2000:]
        return run

    def _environment(self, *, postgres: bool) -> dict[str, str]:
        """Return the environment of an inner run: a database of its own, and no marks of this run's worker."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INSIDE)}
        if not postgres:
            return {**environment, "TABLES_FOLDER": str(self._tables)}
        # The inner run makes and drops its own test database.
        return {**environment, "DATABASE_URL": f"{self._postgres().url.rpartition('/')[0]}/guards"}


@pytest.fixture(scope="module")
def copy(request: pytest.FixtureRequest, run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a copy of the sources. One worker checks that the tests pass in an unbroken copy."""
    folder = tmp_path_factory.mktemp("guards")
    _copy_sources(folder)
    (tables := run_folder / "tables").mkdir(exist_ok=True)
    # This makes the tables, before several workers need them.
    SqliteDatabases(folder, tables).copy()
    copy = Copy(folder, tables, lambda: request.getfixturevalue("postgres_server"))
    if _is_first(run_folder / "unbroken"):
        for tests, postgres in _with_every_guard(_of_this_run(request.session)):
            run = copy.run(tests, postgres=postgres)
            assert run.returncode == PASSED, run.stdout[-3000:]
    return copy


def _copy_sources(folder: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    for shared in (".venv", "node_modules"):
        (folder / shared).symlink_to(ROOT / shared)


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


def _with_every_guard(guards: Sequence[Guard]) -> list[tuple[list[str], bool]]:
    """Return the tests that the unchanged copy must pass: scripts, those on SQLite, and those on PostgreSQL."""
    named = {(test, guard.postgres) for guard in guards for test in guard.tests}
    runs = ((True, False), (False, False), (False, True))
    found = [
        (sorted(test for test, on in named if (_is_script(test), on) == (scripts, postgres)), postgres)
        for scripts, postgres in runs
    ]
    return [(tests, postgres) for tests, postgres in found if tests]


def _is_script(test: str) -> bool:
    return test.endswith(".js")


@pytest.mark.faults
@pytest.mark.parametrize("guard", CASES)
def test_without_the_guard_a_test_fails(guard: Guard, copy: Copy) -> None:
    with copy.without(guard):
        assert copy.run(guard.tests, postgres=guard.postgres).returncode == FAILED
