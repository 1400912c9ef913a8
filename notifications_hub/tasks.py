"""The worker as a Celery task. Only Celery imports this module, so a site without a broker does not need it."""

from __future__ import annotations

import threading

from celery import shared_task
from celery.signals import worker_init

from notifications_hub.delivery.celery_wakeup import SEND_DUE
from notifications_hub.delivery.worker import Worker
from notifications_hub.ops.startup import refusal_at_start
from notifications_hub.streams.sweeper import sweep

SECONDS = 10.0
"""The most seconds that one task runs. Celery could not stop an endless one; the next task continues."""

_of_thread = threading.local()


@worker_init.connect  # type: ignore[untyped-decorator]
def check_at_start(**kwargs: object) -> None:
    # Celery catches and logs a receiver's exceptions, except this one.
    if refusal := refusal_at_start():
        raise SystemExit(refusal)


@shared_task(name=SEND_DUE, ignore_result=True)  # type: ignore[untyped-decorator]
def send_due() -> None:
    """Send the deliveries that are due. It may run at any time, in any number of processes."""
    sweep()
    _worker().run_due(seconds=SECONDS)


def _worker() -> Worker:
    # Kept between tasks, so that its connections to push services stay open.
    if not hasattr(_of_thread, "worker"):
        _of_thread.worker = Worker()
    worker: Worker = _of_thread.worker
    return worker
