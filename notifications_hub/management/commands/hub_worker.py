"""The command `hub_worker`: sends due deliveries, for a site whose web processes do not."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError, connections

from notifications_hub.database.migrations import fault_of_tables
from notifications_hub.delivery import worker
from notifications_hub.delivery.models import Delivery
from notifications_hub.live.cache_sharing import is_cache_shared
from notifications_hub.live.process_list import REFRESH_SECONDS, WORKER, ListedProcess, enlist, remove
from notifications_hub.ops.startup import refusal_at_start
from notifications_hub.ops.worker_metrics import serve_metrics
from notifications_hub.streams.sweeper import sweep

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Send due deliveries until SIGTERM or Ctrl-C, then finish those already started. Run as many as you like."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send the deliveries that are due now, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        if refusal := refusal_at_start():
            raise CommandError(refusal)
        if options["once"]:
            self.stdout.write(f"{_work_once()} deliveries were due.")
        else:
            self.stdout.write("Working. SIGTERM or Ctrl-C stops it after the deliveries it has started.")
            stopping = threading.Event()
            _stop_on_signals(stopping)
            listing = threading.Thread(target=_stay_listed, args=(stopping,), daemon=True)
            listing.start()
            serve_metrics()
            worker.dedicate_process()
            worker.run(stopping)
            # A cache that hangs must not keep the process.
            listing.join(timeout=2)
            self.stdout.write("Stopped.")


def _work_once() -> int:
    _require_tables()
    sweep()
    once = worker.Worker()
    try:
        return once.run_due()
    finally:
        once.close()


def _require_tables() -> None:
    """Raise `CommandError`, with the remedy, if the hub's tables are missing. Only then does it read the migrations."""
    try:
        Delivery.objects.exists()
    except (OperationalError, ProgrammingError):
        if fault := fault_of_tables():
            raise CommandError(fault) from None
        raise


def _stay_listed(stopping: threading.Event) -> None:
    """Keep this process in the list that `hub_doctor` reads, until it stops."""
    process = ListedProcess(WORKER)
    if is_cache_shared():
        while not stopping.is_set():
            _cached(enlist, process)
            stopping.wait(REFRESH_SECONDS)
        _cached(remove, process)


def _cached(work: Callable[[ListedProcess], None], process: ListedProcess) -> None:
    try:
        work(process)
    except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and only the doctor reads this
        log.debug("The list of processes could not be written: %s", error)
    finally:
        connections.close_all()


def _stop_on_signals(stopping: threading.Event) -> None:
    """Stop gracefully on the first signal. A second one kills the process."""

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        # Set from another thread, because the interrupted one may hold the event's lock.
        threading.Thread(target=stopping.set).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
