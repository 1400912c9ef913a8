"""The worker as a Celery task. Imported by Celery alone, which a site without a broker does not need."""

from __future__ import annotations

import threading

from celery import shared_task
from celery.signals import worker_init

from notifications_hub.delivery.celery_wakeup import SEND_DUE
from notifications_hub.delivery.worker import Worker
from notifications_hub.ops.startup import refusal_at_start
from notifications_hub.streams.sweeper import sweep

SECONDS = 10.0
"""A task that never ended could not be stopped; the next one goes on."""

_of_thread = threading.local()


@worker_init.connect  # type: ignore[untyped-decorator]
def check_at_start(**kwargs: object) -> None:
    # Celery logs a receiver's exceptions and goes on; this is none of those that it catches.
    if refusal := refusal_at_start():
        raise SystemExit(refusal)


@shared_task(name=SEND_DUE, ignore_result=True)  # type: ignore[untyped-decorator]
def send_due() -> None:
    """What is due by now. May run as often as it likes, in any number of processes."""
    sweep()
    _worker().run_due(seconds=SECONDS)


def _worker() -> Worker:
    # Kept, so that connections to push services are.
    if not hasattr(_of_thread, "worker"):
        _of_thread.worker = Worker()
    worker: Worker = _of_thread.worker
    return worker
