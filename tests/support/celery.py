"""Celery for tests: a real worker in its own process, and a change of broker."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celery import current_app

from tests.support.processes import Closing
from tests.support.warm import start_warm

READY = " ready."


class CeleryWorker(Closing):
    """The site's worker, with the tests' tasks besides its own. It is ready after the constructor returns."""

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
        """Start the worker, also after a `kill`."""
        logged = len(self.log) if self._log.exists() else 0
        self._program = start_warm(self._command, log=self._log, environment=self._environment)
        self._program.wait_until_ready(lambda: READY in self.log[logged:])

    def stop(self) -> None:
        """Stop the worker as a deployment does. Running tasks are finished."""
        self._program.stop(seconds=30)

    def kill(self) -> None:
        """Kill the worker and its children at any instruction."""
        self._program.kill()

    def close(self) -> None:
        self.kill()


def use_broker(url: str) -> None:
    """Switch to another broker. Celery caches its connections, so close these first."""
    app: Any = current_app
    app.amqp._producer_pool = None
    app._pool = None
    app.conf.broker_url = url
