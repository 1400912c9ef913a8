"""Python processes that tests fork off a warm one begin as others do: see `tests.support.warm`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import warm
from tests.support.processes import ROOT, wait_until
from tests.support.site import site_environment

TELL = """
import json, os, sys
ours = [name for name in sys.modules if name.partition(".")[0] in ("notifications_hub", "tests", "config")]
files = sorted(int(name) for name in os.listdir("/proc/self/fd"))[:3]
known = {name: os.environ[name] for name in sorted(os.environ) if name != "LC_CTYPE"}
print(json.dumps([__name__, sys.argv, os.getcwd(), known, ours, files, sys.stdin.read(), sys.path]))
print("complained", file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.parametrize("option", [{}, {"PYTHONSAFEPATH": "1"}], ids=["no option", "safe path"])
def test_a_fork_begins_as_python_does(option: dict[str, str], tmp_path: Path) -> None:
    environment = site_environment() | {"PYTHONPATH": f"{tmp_path}:{ROOT}"} | option
    (tmp_path / "tell.py").write_text(TELL)
    for arguments in (["-c", TELL, "one"], ["-m", "tell", "two"], ["tell.py", "three"]):
        ran = warm.run(arguments, environment=environment, folder=tmp_path, lines="given")
        cold = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path, env=environment, input="given", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (cold.returncode, cold.stderr) == (3, "complained\n")
        *begun, path = json.loads(ran.stdout)
        *expected, cold_path = json.loads(cold.stdout)
        assert begun == expected
        assert path[:3] == cold_path[:3]
        assert set(path) == set(cold_path)


def test_a_server_that_is_killed_ends_with_its_signal(tmp_path: Path) -> None:
    code = "import time; print('waits'); time.sleep(600)"
    program = warm.WarmProgram([sys.executable, "-c", code], log=tmp_path / "log", environment=site_environment())
    wait_until(lambda: program.log.read_text() == "waits\n", what="the beginning")
    assert program.running
    program.kill()
    assert program.process.returncode == -9
