"""Keeps one Celery worker beside the site that bin/run serves: started again when it dies, ended with the site."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
import time

COMMAND = [sys.executable, "-m", "bin.worker"]
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
STEADY_SECONDS = 30.0
"""A worker that ran for so long had no fault of its own."""
END_SECONDS = 4.0
"""Given to jobs that are about to end. What is cut off is found by its lease when the site is back."""

log = logging.getLogger(__name__)


class Keeper:
    def __init__(self, *, after_port: int) -> None:
        """The worker is started once the port answers: pages come first."""
        self._port = after_port
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Asks it to end, and insists after a few seconds, or at once when interrupted again."""
        self._stopping.set()
        with self._starting:
            worker = self._worker
        if worker is None:
            return
        worker.terminate()
        try:
            worker.wait(END_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            worker.kill()
            worker.wait()

    def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._answers():
            if self._stopping.wait(0.2):
                return
        while (worker := self._start()) is not None:
            began = time.monotonic()
            code = worker.wait()
            pause = FIRST_PAUSE if time.monotonic() - began > STEADY_SECONDS else min(2 * pause, LONGEST_PAUSE)
            if not self._stopping.is_set():
                log.warning("The worker for jobs has ended (%s); it is started again in %g s", code, pause)
            self._stopping.wait(pause)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._starting:
            if self._stopping.is_set():
                return None
            # Apart from the terminal's signals, which come to it through us; our end of the pipe closes when we die.
            self._worker = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, process_group=0)  # noqa: S603 -- our own
            return self._worker

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
