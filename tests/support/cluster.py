"""A running `bin/cluster`: the site as in production, whose parts a test kills, stops and pauses by name."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

import requests

from tests.support.processes import ROOT, ClosingParts, Process, Program, family, signal_each, wait_until
from tests.support.site import PASSWORD, WithShell, inherited_environment

sys.path.append(str(ROOT / "bin"))
from clustering.control import Control

START_SECONDS = 300.0
STOP_SECONDS = 60.0
COMMAND = (sys.executable, str(ROOT / "bin" / "cluster"))
WEBS = ("web-1", "web-2")
TEMPLATES = ROOT / "var" / "clusters"
PREPARES = ("notifications_hub", "accounts", "showcase", "config", "bin", "tests/rows", "tests/settings.py")
"""Everything that decides what a new cluster has in its database."""


class Cluster(WithShell, ClosingParts):
    """The site with nginx, PostgreSQL, Redis, web processes, workers and beat. It is ready after the constructor.

    The parts are `postgres`, `redis`, `web-1` …, `worker-1` …, `beat` and `nginx`. The demo people have the password
    "demo". `hub` are keys of `NOTIFICATIONS_HUB`; `options` are further ones of the command.
    """

    def __init__(
        self,
        *,
        hub: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        webs: int = 2,
        workers: int = 2,
        options: Sequence[str] = (),
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="hub-cluster-"))
        counts = ("--webs", str(webs), "--workers", str(workers))
        where = ("--folder", str(self._folder), "--no-fsync", "--password", PASSWORD)
        given = {
            **inherited_environment(),
            "DJANGO_SETTINGS_MODULE": "tests.cluster_settings",
            "TEST_NOTIFICATIONS_HUB": json.dumps(hub or {}),
            **(environment or {}),
        }
        command = [*COMMAND, *where, *counts, *options]
        # The database and the keys of another cluster, just made. To migrate takes longer than all else.
        subprocess.run(["cp", "-a", f"{template(given)}/.", str(self._folder)], check=True)
        self._program = Program(command, log=self._folder / "cluster.log", environment=given)
        try:
            self._program.wait_until_ready((self._folder / "cluster.json").exists, seconds=START_SECONDS)
            self._read_description()
            self.wait_until_ready()
        except BaseException:  # Ctrl-C too: nobody else could stop the program
            self.close()
            raise

    def _read_description(self) -> None:
        description = json.loads((self._folder / "cluster.json").read_text())
        self.url = description["url"]
        self.web_urls: list[str] = description["web_urls"]
        self.database_url: str = description["database_url"]
        self.direct_database_url: str = description["direct_database_url"]
        self.redis_url: str = description["redis_url"]
        self.environment = description["environment"]
        self.control = Control(Path(description["supervisor"]))

    @property
    def process(self) -> Process:
        """The command itself."""
        return self._program.process

    # Parts

    def kill(self, part: str) -> None:
        """Kill a part with its children at any instruction. It is started again within two seconds."""
        self.signal(part, signal.SIGKILL)

    def stop(self, part: str) -> None:
        """Stop a part in order, and let it be until `start`."""
        self.control.stop(part)

    def start(self, part: str) -> None:
        """Start a part. It may take a moment until it answers."""
        self.control.start(part)

    def pid(self, part: str) -> int:
        """Return the process id, or 0 while the part does not run."""
        return self.control.pid(part)

    def pids(self, part: str) -> list[int]:
        return family(self.pid(part))

    def log(self, part: str) -> str:
        """The part's log so far."""
        return (self._folder / "logs" / f"{part}.log").read_text(errors="replace")

    # The site

    def wait_until_ready(self, seconds: float = 60.0) -> float:
        """Wait until every web process says that it is ready, and return the seconds that it took."""
        began = time.monotonic()
        wait_until(lambda: all(map(_is_ready, self.web_urls)), seconds=seconds, what="/readyz of every web process")
        return time.monotonic() - began

    def close(self) -> None:
        pids = family(self.process.pid)
        try:
            self.close_shell()
            self._program.stop(seconds=STOP_SECONDS)
        except BaseException:  # Ctrl-C too: the parts would outlive a command that is killed
            signal_each(pids, signal.SIGKILL)
            raise
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == HTTPStatus.OK
    except requests.RequestException:
        return False


def template(environment: Mapping[str, str]) -> Path:
    """Return a folder with the database of a new cluster, made once for each state of the sources."""
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    folder = TEMPLATES / _state_of_sources()
    with (TEMPLATES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for old in TEMPLATES.glob("*/"):
                shutil.rmtree(old)
            _prepare(folder, environment)
    return folder


def _prepare(folder: Path, environment: Mapping[str, str]) -> None:
    made = Path(tempfile.mkdtemp(prefix="hub-cluster-"))
    plain = {**environment, "TEST_NOTIFICATIONS_HUB": "{}"}
    command = [*COMMAND, "--prepare", "--folder", str(made), "--no-fsync", "--password", PASSWORD]
    run = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"no cluster could be prepared:\n{run.stdout}{run.stderr}"
    draft = folder.with_suffix(".draft")
    draft.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", str(made / "keys.json"), str(made / "postgres"), str(draft)], check=True)
    shutil.rmtree(made)
    draft.rename(folder)


def _state_of_sources() -> str:
    files = (file for name in PREPARES for file in [ROOT / name, *(ROOT / name).rglob("*")] if file.is_file())
    state = hashlib.sha256()
    for file in sorted(file for file in files if file.suffix in ("", ".py")):
        state.update(file.read_bytes())
    return state.hexdigest()[:16]
