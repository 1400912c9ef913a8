"""The stages of bin/test: what runs again alone, with real runs of pytest."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import ROOT

sys.path.append(str(ROOT / "bin"))
from stages import FOR_POSTGRES, Stage, files_naming, run_stages

Outcome = tuple[int, str]
Run = Callable[..., Outcome]
PASSED_ALONE = "failed on a busy machine and passed alone:"

# It fails wherever it runs beside others, and it passes alone.
FLAKY = """\
import os
def test_flaky(): assert "PYTEST_XDIST_WORKER" not in os.environ
"""
# It fails in the first run alone, wherever it runs.
ONCE = """\
from pathlib import Path
first = Path(__file__).with_suffix(".ran")
def test_once():
    if not first.exists():
        first.touch()
        raise AssertionError
"""
CRASHING = """\
import os
def test_crashing(): "PYTEST_XDIST_WORKER" not in os.environ or os._exit(3)
"""
FAILING = "def test_failing(): assert False\n"
PASSING = "def test_passing(): pass\n"


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a stage over files of tests, and return its exit status and output."""
    # This test may itself run beside others.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    # Each process of these runs would import every plugin of this environment.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def run(*files: str, workers: int = 2, options: tuple[str, ...] = ()) -> Outcome:
        for number, text in enumerate(files):
            (tmp_path / f"test_{number}.py").write_text(text)
        own = ("-c", str(tmp_path / "pytest.ini"), "-p", "xdist.plugin")
        arguments = (*own, *options, str(tmp_path))
        status = run_stages([Stage("A stage:", (sys.executable,), arguments, workers)])
        return status, capfd.readouterr().out

    return run


def test_a_test_that_passes_alone_is_named(run: Run) -> None:
    status, output = run(FLAKY, PASSING, CRASHING)
    assert status == 0
    assert "2 failed, and run again alone:" in output
    named = [line for line in output.splitlines() if line.startswith(PASSED_ALONE)]
    assert sorted(line.rpartition("::")[2] for line in named) == ["test_crashing", "test_flaky"]
    assert "2 passed" in output.partition("run again alone:")[2], "the test that passed does not run again"


def test_a_test_that_fails_again_fails_the_stage(run: Run) -> None:
    status, output = run(ONCE, FAILING, workers=0)
    assert status == 1
    assert "2 failed, and run again alone:" in output
    assert PASSED_ALONE not in output


@pytest.mark.parametrize(
    ("files", "options"),
    [
        ([ONCE] * 6, ()),
        ([ONCE, "import nothing_of_this_name\n"], ()),
        ([FAILING, PASSING], ("-x",)),
    ],
    ids=["six failures", "a file that cannot be collected", "a run that ends at the first failure"],
)
def test_a_run_that_failed_for_another_reason_fails_at_once(
    run: Run, files: list[str], options: tuple[str, ...]
) -> None:
    status, output = run(*files, workers=0, options=options)
    assert status != 0
    assert "run again" not in output


def test_a_serial_stage_runs_its_failures_again_too(run: Run) -> None:
    status, output = run(ONCE, PASSING, workers=0)
    assert status == 0
    assert PASSED_ALONE in output


def test_every_test_for_postgresql_is_in_a_file_that_names_its_mark(request: pytest.FixtureRequest) -> None:
    """The stage on PostgreSQL collects these files alone. A run of all tests compares them with all items."""
    marked = {item.path for item in request.session.items for mark in FOR_POSTGRES if any(item.iter_markers(mark))}
    assert marked <= {ROOT / file for file in files_naming(*FOR_POSTGRES)}


def test_a_stage_without_tests_passes(run: Run) -> None:
    assert run("", workers=0)[0] == 0
