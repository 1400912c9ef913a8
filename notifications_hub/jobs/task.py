"""The base class of tasks that are jobs. A site without Celery never imports this module."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from billiard.exceptions import SoftTimeLimitExceeded, Terminated, TimeLimitExceeded, WorkerLostError
from celery import Task
from celery.exceptions import Ignore, MaxRetriesExceededError, Retry
from celery.signals import task_failure, task_revoked
from django.db import DatabaseError, InterfaceError

from notifications_hub.database.primary import connection
from notifications_hub.jobs import transitions
from notifications_hub.jobs.broker import HEADER
from notifications_hub.jobs.models import Job, Reason
from notifications_hub.jobs.outcome import Done, JobCancelled, JobFailed
from notifications_hub.jobs.reporter import Reporter
from notifications_hub.message import localized_for
from notifications_hub.web.site_paths import use_script_name

PATIENCE = (0.5, 1, 2, 4)
"""Seconds between attempts to record a job's end while the database is down. After these its lease decides."""

Result = TypeVar("Result")
log = logging.getLogger(__name__)


class Run:
    """One run of a job in this worker."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._reporter = Reporter(job)
        # The task after a group continues the bar from where the parts left it.
        self._before = job.done if job.total else 0.0

    def progress(self, done: float, total: float, text: str) -> None:
        if self._reporter.cancelled:
            raise JobCancelled
        if not (math.isfinite(done) and math.isfinite(total)):
            raise ValueError(f"Progress is {done!r} of {total!r}: give finite numbers.")
        values: dict[str, Any] = {"text": transitions.clean(text)}
        if not self._before:
            values |= {"done": done, "total": total}
        elif total > 0:
            values["done"] = self._before + min(1.0, done / total)
        self._reporter.report(values)

    def end(self, outcome: Done) -> None:
        self._settle(lambda note: transitions.finish(self.job, outcome, note))

    def fail(self, words: str = "", reason: str = Reason.ERROR) -> None:
        self._settle(lambda note: transitions.fail(self.job, note, words=words, reason=reason))

    def stop(self) -> None:
        self._settle(lambda note: transitions.stop(self.job, note))

    def put_off(self, seconds: float) -> None:
        self._settle(lambda note: transitions.put_off(self.job, seconds, note))

    def abandon(self) -> None:
        """Stop reporting because this process is ending. Its main process, or the lease, settles the job."""
        self._reporter.stop()

    def _settle(self, write: Callable[[dict[str, Any]], bool]) -> None:
        note = self._reporter.stop()
        if not _retry_until_written(lambda: write(note)):
            log.warning("Job %s ended, but it had been given up or cancelled before", self.job.pk)


class HubTask(Task):  # type: ignore[misc]
    """The base of a job's task: `@shared_task(base=HubTask, bind=True)`. Start it with `start()`.

    It runs in its owner's language, because its progress texts are for them. Called any other way (`.delay()`, or as
    a function) it is a plain task that reports nothing.
    """

    throws = (JobFailed,)
    dont_autoretry_for = (JobFailed,)
    ignore_result = True

    def progress(self, done: float, total: float = 0, text: str = "") -> None:
        """Report progress; `total` is 0 if unknown. It is cheap: call it as often as you like.

        Raise `JobCancelled` once the job is cancelled. A task that should be stoppable calls this now and then.
        """
        if run := self._running():
            run.progress(done, total, str(text))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        if HEADER not in (self.request.headers or {}):
            return self.run(*args, **kwargs)
        job = transitions.claim(self.request.id)
        if job is None:
            # Its message arrived twice, or it has been cancelled.
            raise Ignore
        self.request.hub_run = Run(job)
        use_script_name()
        return self._run_job(self.request.hub_run, *args, **kwargs)

    def retry(  # noqa: PLR0917 -- Celery's own arguments, in Celery's order
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: BaseException | None = None,
        throw: bool = True,
        eta: datetime | None = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> Any:
        """Retry like Celery's own, but wait in the row instead of the broker. `args` and `kwargs` cannot change."""
        run = self._running()
        if run is None:
            return super().retry(args, kwargs, exc, throw, eta, countdown, max_retries, **options)
        most = self.max_retries if max_retries is None else max_retries
        if most is not None and run.job.retries >= most:
            raise exc or MaxRetriesExceededError(f"{self.name} was tried {most + 1} times")
        if countdown is None and eta is None:
            countdown = self.default_retry_delay
        retry = Retry(exc=exc, when=eta or countdown)
        if throw:
            raise retry
        return retry

    def _run_job(self, run: Run, *args: Any, **kwargs: Any) -> None:
        try:
            with localized_for(run.job.owner):
                given = self.run(*args, **kwargs)
            outcome = given if isinstance(given, Done) else Done(value=given)
            run.end(outcome)
        except JobCancelled:
            run.stop()
            raise Ignore from None
        except Retry as retry:
            run.put_off(_seconds_to(retry.when))
            raise
        except JobFailed as failure:
            run.fail(str(failure))
            raise
        except SoftTimeLimitExceeded:
            run.fail(reason=Reason.LATE)
            raise
        except Exception:
            run.fail()
            raise
        except BaseException:  # the process is exiting: its heartbeat must not outlive the task
            run.abandon()
            raise

    def _running(self) -> Run | None:
        return getattr(self.request, "hub_run", None)


def _seconds_to(when: datetime | float | None) -> float:
    if isinstance(when, datetime):
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    return float(when or 0)


def _retry_until_written(write: Callable[[], Result]) -> Result:
    for pause in PATIENCE:
        try:
            return write()
        except (DatabaseError, InterfaceError) as error:
            log.warning("The end of a job could not be written (%s); trying again", error)
            connection.close()
            time.sleep(pause)
    return write()


@task_revoked.connect  # type: ignore[untyped-decorator]
def _revoked(sender: Any, request: Any, **kwargs: Any) -> None:
    """Record that the task was revoked through Celery. Runs in the worker's main process."""
    if isinstance(sender, HubTask):
        transitions.revoked(request.id)


@task_failure.connect  # type: ignore[untyped-decorator]
def _killed(sender: Any, task_id: str, exception: BaseException, **kwargs: Any) -> None:
    """Record that the task's process was killed. Runs in the worker's main process."""
    if not isinstance(sender, HubTask):
        return
    if isinstance(exception, TimeLimitExceeded):
        transitions.out_of_time(task_id)
    elif isinstance(exception, (WorkerLostError, Terminated)):
        transitions.expire(task_id)
