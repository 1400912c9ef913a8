"""Send a job to Celery."""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError

from notifications_hub.jobs.models import Job

HEADER = "hub_job"
"""The header of messages that have a row. A task that was called without `start()` has none."""
_CONNECT_SECONDS = 2
_AT_ONCE_OR_NOT = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}

log = logging.getLogger(__name__)


def send(job: Job) -> bool:
    """Send one job. Return False if the broker is down. Raise errors of the job itself, such as bad arguments."""
    try:
        with current_app.producer_or_acquire() as producer:
            _publish(job, producer)
    except (OperationalError, OSError, *current_app.connection_for_write().connection_errors) as error:
        log.warning("The broker did not accept job %s (%s); it will be sent again", job.pk, error)
        return False
    return True


def _publish(job: Job, producer: Any) -> None:
    if not current_app.conf.task_always_eager:
        # Celery itself retries a refused connection for seconds, while a person waits for this page.
        producer.connection.ensure_connection(timeout=_CONNECT_SECONDS, **_AT_ONCE_OR_NOT)
    given = job.arguments["args"], job.arguments["kwargs"]
    about = {"task_id": str(job.pk), "headers": {HEADER: 1}, "retries": job.retries, "retry_policy": _AT_ONCE_OR_NOT}
    options: dict[str, Any] = {**job.options, **about, "producer": producer}
    task = current_app.tasks.get(job.task)
    if task is None:
        # A process that has not imported the task can still send it by name.
        current_app.send_task(job.task, *given, **options)
    else:
        task.apply_async(*given, **options)
