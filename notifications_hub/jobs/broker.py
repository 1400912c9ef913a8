"""Messages to the broker, each saying that one job may be started. A row is the truth, so a message may be lost.

What was not started within `JOB_RESEND` is sent again, each time after twice as long: while many wait for few workers
a job has some messages more than it needs, and all but the first that arrives find nothing to do.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connections
from django.db.models import F
from django.db.models.functions import Now
from django.dispatch import receiver

from notifications_hub.conf import hub_settings
from notifications_hub.jobs import transitions
from notifications_hub.jobs.models import OPEN, Job, JobState
from notifications_hub.jobs.transitions import Id
from notifications_hub.streams.sweeper import Isolation, every_second

HEADER = "hub_job"
"""By this a worker knows that there is a row; a task that was called plainly has none."""
AT_ONCE = 200
_AFTER_FAILURE = timedelta(seconds=5)
_LONGEST = 3600.0
_DOUBLINGS = 20
"""Beyond these a pause is `_LONGEST` anyway, and a number too large for a float."""
_CONNECT_SECONDS = 2
_AT_ONCE_OR_NOT = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}

log = logging.getLogger(__name__)

_isolation: Isolation[Id] = Isolation(longest=_LONGEST)


@receiver(transitions.queued)
def _send_first(pks: Sequence[Id], **kwargs: object) -> None:
    for job in Job.objects.filter(pk__in=pks, state=JobState.QUEUED).order_by("created"):
        with _isolation.of(job.pk, f"Sending job {job.pk}"):
            if not _send(job):
                # The broker is away: a request is not held up once for each job.
                Job.objects.filter(pk__in=pks, state=JobState.QUEUED).update(due_at=Now() + _AFTER_FAILURE)
                return


@every_second
def tend() -> None:
    """Looks at every job whose time has come: gives up what its worker left, and has sent again what did not begin."""
    due = Job.objects.filter(state__in=OPEN, due_at__lte=Now()).exclude(pk__in=_isolation.resting())
    again = []
    for pk, state in due.order_by("due_at").values_list("pk", "state")[:AT_ONCE]:
        if state == JobState.RUNNING:
            with _isolation.of(pk, f"Giving up job {pk}"):
                transitions.give_up(pk)
        else:
            again.append(pk)
    if again:
        _postman.send(again)


class _Postman:
    """One thread at most: a broker that hangs holds up no other chore of the sweeper."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def send(self, pks: Sequence[Id]) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=_send_again, args=(pks,), name="hub-jobs", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Until it has come back."""
        if self._thread is not None:
            self._thread.join()


_postman = _Postman()


def _send_again(pks: Sequence[Id]) -> None:
    try:
        for pk in pks:
            with _isolation.of(pk, f"Sending job {pk} again"):
                if not _send_due(pk):
                    return
    except Exception:
        log.exception("Jobs could not be sent again; the next look tries it")
    finally:
        connections.close_all()


def _send_due(pk: Id) -> bool:
    """False where the broker is away."""
    waiting = Job.objects.filter(pk=pk, state__in=(JobState.QUEUED, JobState.RETRYING), due_at__lte=Now())
    for job in waiting:
        pause = min(_LONGEST, hub_settings.job_resend * 2 ** min(job.sends, _DOUBLINGS))
        taken = {"state": JobState.QUEUED, "sends": F("sends") + 1, "due_at": Now() + timedelta(seconds=pause)}
        # Of several sweepers one has it.
        if waiting.update(**taken) and not _send(job):
            Job.objects.filter(pk=pk, state=JobState.QUEUED).update(due_at=Now() + _AFTER_FAILURE, sends=job.sends)
            return False
    return True


def _send(job: Job) -> bool:
    """False where the broker is away. Raises what is wrong with this job alone, like too few arguments."""
    from celery import current_app
    from kombu.exceptions import OperationalError

    try:
        with current_app.producer_or_acquire() as producer:
            _publish(job, producer)
    except (OperationalError, OSError, *current_app.connection_for_write().connection_errors) as error:
        log.warning("The broker did not take job %s (%s); it is sent again", job.pk, error)
        return False
    return True


def _publish(job: Job, producer: Any) -> None:
    from celery import current_app

    if not current_app.conf.task_always_eager:
        # Celery's own patience with a broker that refuses is seconds, and a person waits for this page.
        producer.connection.ensure_connection(timeout=_CONNECT_SECONDS, **_AT_ONCE_OR_NOT)
    given = job.arguments["args"], job.arguments["kwargs"]
    about = {"task_id": str(job.pk), "headers": {HEADER: 1}, "retries": job.retries, "retry_policy": _AT_ONCE_OR_NOT}
    options: dict[str, Any] = {**job.options, **about, "producer": producer}
    task = current_app.tasks.get(job.task)
    if task is None:
        # A process that has not imported the task can still say its name.
        current_app.send_task(job.task, *given, **options)
    else:
        task.apply_async(*given, **options)
