"""The command `hub_worker`: sends due deliveries, for a site whose web processes do not."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.delivery import worker
from notifications_hub.ops.startup import refusal_at_start
from notifications_hub.streams.sweeper import sweep


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
            worker.freeze_existing_objects()
            worker.run(stopping)
            self.stdout.write("Stopped.")


def _work_once() -> int:
    sweep()
    once = worker.Worker()
    try:
        return once.run_due()
    finally:
        once.close()


def _stop_on_signals(stopping: threading.Event) -> None:
    """Stop gracefully on the first signal. A second one kills the process."""

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        # Set from another thread, because the interrupted one may hold the event's lock.
        threading.Thread(target=stopping.set).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
