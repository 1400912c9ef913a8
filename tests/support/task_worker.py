"""A worker of the database backend of Django's task framework, in its own process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import ROOT, Closing, Program

READY = "Starting worker"


class TaskWorker(Closing):
    """The site's `db_worker`. It is ready after the constructor returns."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        options = ("--interval", "0.1", "--no-startup-delay", "--no-reload")
        self._command = [sys.executable, str(ROOT / "manage.py"), "db_worker", *options]
        self._log = folder / "db_worker.log"
        self._environment = dict(environment)
        self.start()

    def start(self) -> None:
        """Start the worker, also after a `kill`."""
        logged = len(self._text()) if self._log.exists() else 0
        self._program = Program(self._command, log=self._log, environment=self._environment)
        self._program.wait_until_ready(lambda: READY in self._text()[logged:])

    def kill(self) -> None:
        self._program.kill()

    def close(self) -> None:
        self.kill()

    def _text(self) -> str:
        return self._log.read_text(errors="replace")
