"""A real Celery worker, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.processes import Program

READY = " ready."


class CeleryWorker:
    """The site's worker, with the tasks of tests beside its own. It has begun to listen when this returns."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *options: str) -> None:
        self._command = [
            *(sys.executable, "-m", "celery", "-A", "config", "worker", "--include", "tests.jobs.tasks"),
            *("--loglevel", "INFO", "--concurrency", "2", "--prefetch-multiplier", "1", *options),
        ]
        self._log = folder / "celery.log"
        self._environment = dict(environment)
        self.start()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        """Again after a `kill` too."""
        said = len(self.log) if self._log.exists() else 0
        self._program = Program(self._command, log=self._log, environment=self._environment)
        self._program.wait_until_ready(lambda: READY in self.log[said:])

    def stop(self) -> None:
        """As a deployment does: what runs is finished."""
        self._program.stop(seconds=30)

    def kill(self) -> None:
        """It and its children, at any instruction."""
        self._program.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
