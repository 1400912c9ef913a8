"""Helpers for the tests of jobs."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery import current_app
from django_tasks_db.models import DBTaskResult

from notifications_hub import start
from notifications_hub.jobs import broker, task_backend
from notifications_hub.jobs.celery_messages import HEADER
from notifications_hub.jobs.job_task import BACKEND
from notifications_hub.jobs.models import Job
from notifications_hub.notification import Notification
from notifications_hub.streams.models import Event
from tests.jobs import tasks

if TYPE_CHECKING:
    from accounts.models import User

ATTACKS = (
    "<script>window.attacked = 1</script>",
    "\"><img src=x onerror='window.attacked = 1'>",
    "</strong></p></template><iframe srcdoc='<script>parent.attacked = 1</script>'></iframe>",
    '</task-progress></textarea><svg onload="window.attacked = 1">',
    "&lt;b&gt; {{ 7|add:7 }} %(job)s {count} $& \\u003cscript\\u003e javascript:alert(1)",
)


def started(owner: User, task: Any, *args: Any, **about: Any) -> Job:
    """Start a job of this task. Return its row as committed."""
    return start(task.s(*args), **{"owner": owner, "title": "Report 2026", **about})


def deliver(job: Job) -> None:
    """Run the job as a worker would, in this thread."""
    job.refresh_from_db()
    if BACKEND in job.options:
        with suppress(Exception):
            task_backend.run_job.call(str(job.pk))
    else:
        task = current_app.tasks[job.task]
        given = job.arguments["args"], job.arguments["kwargs"]
        task.apply(*given, task_id=str(job.pk), headers={HEADER: 1}, retries=job.retries)
    job.refresh_from_db()


def messages() -> list[str]:
    """Return the ids in the queue of the engine's broker, and empty it."""
    return _messages_of_django() if tasks.engine() == tasks.DJANGO else _messages_of_celery()


def _messages_of_django() -> list[str]:
    waiting = DBTaskResult.objects.ready().order_by("enqueued_at")
    ids = [str(one.args_kwargs["args"][0]) for one in waiting]
    waiting.delete()
    return ids


def _messages_of_celery() -> list[str]:
    with current_app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        ids = []
        while len(queue):
            message = queue.get(block=False)
            ids.append(str(message.headers["id"]))
            message.ack()
        return ids


def make_due(job: Job) -> None:
    """Move the row's time into the past. Due times use the database's clock, which no test can turn."""
    Job.objects.filter(pk=job.pk).update(due_at=datetime.now(UTC) - timedelta(seconds=1))


def handle_due_jobs() -> None:
    """Run the sweeper's chore once, and wait for its thread."""
    broker.handle_due_jobs()
    broker._resend_thread.wait()


def events_of(job: Job) -> list[tuple[str, dict[str, Any]]]:
    return list(Event.objects.filter(topic=job.topic).order_by("pk").values_list("kind", "data"))


def delivered(owner: User) -> list[tuple[str, str, str]]:
    """Return kind, title and body of each notification in the owner's inbox."""
    rows = Notification.objects.filter(recipient=owner).order_by("pk")
    return [(row.kind, row.message().title, row.message().body) for row in rows]
