"""A supervisor of the Celery worker beside bin/run's site: it restarts a dead worker, and ends it with the site."""

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
"""A worker that ran longer than this was healthy, so the pause before its restart is reset."""
END_SECONDS = 4.0
"""The time that running jobs get to finish. An interrupted job is found by its expired lease when the site is back."""

log = logging.getLogger(__name__)


class WorkerSupervisor:
    def __init__(self, *, after_port: int) -> None:
        """Start the worker once the port answers, so that pages come first."""
        self._port = after_port
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, name="worker-supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Terminate the worker. Kill it after `END_SECONDS`, or at once on another interrupt."""
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

    def _supervise(self) -> None:
        pause = FIRST_PAUSE
        while not self._answers():
            if self._stopping.wait(0.2):
                return
        while (worker := self._start()) is not None:
            began = time.monotonic()
            code = worker.wait()
            pause = FIRST_PAUSE if time.monotonic() - began > STEADY_SECONDS else min(2 * pause, LONGEST_PAUSE)
            if not self._stopping.is_set():
                log.warning("The job worker exited with code %s. Restarting it in %g s.", code, pause)
            self._stopping.wait(pause)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._starting:
            if self._stopping.is_set():
                return None
            # In a process group of its own, the worker does not get the terminal's signals: `stop` ends it. If this
            # process dies, its end of the pipe closes, and the worker exits.
            self._worker = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, process_group=0)  # noqa: S603 -- our own
            return self._worker

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
