"""The Celery worker that bin/run starts. It ends when its parent is gone, even if that was killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings

ARGUMENTS = [
    "--quiet",
    "worker",
    "--pool=threads",
    "--concurrency=4",
    "--prefetch-multiplier=1",
    "--loglevel=WARNING",
    "--hostname=jobs@localhost",
    # Messages between several workers, which here would only fill the folder.
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
]
END_SECONDS = 5.0


def main() -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    from celery.platforms import SecurityWarning
    from celery.signals import worker_shutting_down

    from config.celery import app

    # The person who runs the site as root has decided to.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker_shutting_down.connect(leave_soon)
    app.worker_main(ARGUMENTS)


def leave_soon(**kwargs: object) -> None:
    """Leave when idle. Celery itself waits five seconds before it leaves; jobs not yet begun stay in their rows."""
    threading.Thread(target=leave_when_idle, daemon=True).start()


def leave_when_idle() -> None:
    from celery.worker.state import active_requests

    while active_requests:
        time.sleep(0.05)
    os._exit(0)


def end_with_parent() -> None:
    # Nothing is ever written to this pipe. Its other end closes when the parent dies.
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
