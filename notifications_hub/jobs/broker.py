"""Send messages to the broker of a job's engine. Each says that one job may start.

The row is the truth, so a message may be lost. A job that has not started within `JOB_RESEND` is sent again, each time
after twice as long. So a job may have several messages while many jobs wait for few workers. Only the first message to
arrive starts it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta

from django.db import connections
from django.db.models import F
from django.db.models.functions import Now
from django.dispatch import receiver

from notifications_hub.conf import hub_settings
from notifications_hub.jobs import transitions
from notifications_hub.jobs.job_task import BACKEND
from notifications_hub.jobs.models import OPEN, Job, JobState
from notifications_hub.jobs.transitions import Id
from notifications_hub.streams.sweeper import Isolation, every_second

AT_ONCE = 200
_AFTER_FAILURE = timedelta(seconds=5)
_LONGEST = 3600.0
_DOUBLINGS = 20
"""The limit for doubling: the pause has reached `_LONGEST` by then, and more would overflow a float."""

log = logging.getLogger(__name__)

_isolation: Isolation[Id] = Isolation(longest=_LONGEST)


@receiver(transitions.queued)
def _send_first(pks: Sequence[Id], **kwargs: object) -> None:
    for job in Job.objects.filter(pk__in=pks, state=JobState.QUEUED).order_by("created"):
        with _isolation.guard(job.pk, f"Sending job {job.pk}"):
            if not _send(job):
                # The broker is down. Stop here, so that the request does not wait once per job.
                Job.objects.filter(pk__in=pks, state=JobState.QUEUED).update(due_at=Now() + _AFTER_FAILURE)
                return


@every_second
def handle_due_jobs() -> None:
    """Handle the jobs that are due: give up those that lost their worker, and send the others again."""
    due = Job.objects.filter(state__in=OPEN, due_at__lte=Now()).exclude(pk__in=_isolation.resting())
    again = []
    for pk, state in due.order_by("due_at").values_list("pk", "state")[:AT_ONCE]:
        if state == JobState.RUNNING:
            with _isolation.guard(pk, f"Giving up job {pk}"):
                transitions.give_up(pk)
        else:
            again.append(pk)
    if again:
        _resend_thread.send(again)


class _ResendThread:
    """A single thread that sends, so that a broker that hangs does not delay the sweeper's other chores."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def send(self, pks: Sequence[Id]) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=_send_again, args=(pks,), name="hub-jobs", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Block until the thread has finished."""
        if self._thread is not None:
            self._thread.join()


_resend_thread = _ResendThread()


def _send_again(pks: Sequence[Id]) -> None:
    try:
        for pk in pks:
            with _isolation.guard(pk, f"Sending job {pk} again"):
                if not _send_due(pk):
                    return
    except Exception:
        log.exception("Jobs could not be sent again; the next sweep retries")
    finally:
        connections.close_all()


def _send_due(pk: Id) -> bool:
    """Send a job that is due. Return False if the broker is down."""
    waiting = Job.objects.filter(pk=pk, state__in=(JobState.QUEUED, JobState.RETRYING), due_at__lte=Now())
    for job in waiting:
        pause = min(_LONGEST, hub_settings.job_resend * 2 ** min(job.sends, _DOUBLINGS))
        taken = {"state": JobState.QUEUED, "sends": F("sends") + 1, "due_at": Now() + timedelta(seconds=pause)}
        # Several sweepers may try; the conditional update lets one of them through.
        if waiting.update(**taken) and not _send(job):
            Job.objects.filter(pk=pk, state=JobState.QUEUED).update(due_at=Now() + _AFTER_FAILURE, sends=job.sends)
            return False
    return True


def _send(job: Job) -> bool:
    """Send one job. Return False if the broker is down. Raise errors of the job itself, such as bad arguments."""
    # A site has one of the engines, so their modules are imported when they are needed.
    if BACKEND in job.options:
        from notifications_hub.jobs import task_backend

        return task_backend.send(job)
    from notifications_hub.jobs import celery_messages

    return celery_messages.send(job)
