"""`manage.py hub_worker`: sends what is due, for a site whose web processes do not."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.delivery import worker
from notifications_hub.ops.startup import refusal_at_start
from notifications_hub.streams.sweeper import sweep


class Command(BaseCommand):
    help = "Sends due deliveries until SIGTERM or Ctrl-C; what is under way is finished. Run as many as you like."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        if refusal := refusal_at_start():
            raise CommandError(refusal)
        if options["once"]:
            self.stdout.write(f"{_work_once()} deliveries were due.")
        else:
            self.stdout.write("Working. SIGTERM or Ctrl-C ends it once what is under way is finished.")
            stopping = threading.Event()
            _stop_on_signals(stopping)
            worker.freeze_existing_objects()
            worker.run(stopping)
            self.stdout.write("Ended.")


def _work_once() -> int:
    sweep()
    once = worker.Worker()
    try:
        return once.run_due()
    finally:
        once.close()


def _stop_on_signals(stopping: threading.Event) -> None:
    """The first signal asks, a second one insists."""

    def ask(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        # From another thread: the one that the signal interrupts may be holding the event's lock.
        threading.Thread(target=stopping.set).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
