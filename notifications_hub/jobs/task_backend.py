"""Send a job to a backend of Django's task framework, and run it there.

One Django task carries every job: it receives the row's id, and claims the row. A site without the framework never
imports this module.
"""

from __future__ import annotations

import logging

from django.utils.module_loading import import_string

from notifications_hub.jobs import transitions
from notifications_hub.jobs.job_task import JobRetry, JobTask
from notifications_hub.jobs.models import Job
from notifications_hub.jobs.outcome import JobCancelled
from notifications_hub.jobs.run import Ends, Run
from notifications_hub.task_framework import hub_task

log = logging.getLogger(__name__)


@hub_task
def run_job(pk: str) -> None:
    """Run a job, unless another worker has it or it was cancelled."""
    job = transitions.claim(pk)
    if job is None:
        return
    run = Run(job)
    try:
        run.perform(lambda: _task_of(job).work(run), _ENDS)
    except (JobCancelled, JobRetry):
        log.info("Job %s was cancelled, or runs again later", pk)


_ENDS: Ends = {JobRetry: lambda run, retry: run.put_off(retry.seconds)}


def send(job: Job) -> bool:
    """Send one job. Return False if the backend is down. Raise errors of the job itself, such as an unknown queue."""
    message = run_job.using(**job.options)
    try:
        message.enqueue(str(job.pk))
    except Exception as error:  # noqa: BLE001 -- each backend has faults of its own, and all mean that it is away
        log.warning("The task backend did not accept job %s (%s); it will be sent again", job.pk, error)
        return False
    return True


def _task_of(job: Job) -> JobTask:
    task = import_string(job.task)
    if not isinstance(task, JobTask):
        raise TypeError(f"{job.task} is not decorated with job_task.")
    return task
