"""The worker as a Celery task. Only Celery imports this module, so a site without a broker does not need it."""

from __future__ import annotations

from celery import shared_task
from celery.signals import worker_init, worker_ready

from notifications_hub.delivery.worker import run_for_a_while
from notifications_hub.delivery.worker_wakeup import SEND_DUE
from notifications_hub.ops.startup import refusal_at_start
from notifications_hub.ops.worker_metrics import serve_metrics


@worker_init.connect  # type: ignore[untyped-decorator]
def check_at_start(**kwargs: object) -> None:
    # Celery catches and logs a receiver's exceptions, except this one.
    if refusal := refusal_at_start():
        raise SystemExit(refusal)


@worker_ready.connect  # type: ignore[untyped-decorator]
def serve_metrics_beside(**kwargs: object) -> None:
    # Once its children are there: they must not inherit a thread's lock.
    serve_metrics()


@shared_task(name=SEND_DUE, ignore_result=True)  # type: ignore[untyped-decorator]
def send_due() -> None:
    """Send the deliveries that are due. It may run at any time, in any number of processes."""
    run_for_a_while()
