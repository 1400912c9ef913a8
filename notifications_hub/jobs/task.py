"""The base class of Celery tasks that are jobs. A site without Celery never imports this module."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

try:
    from billiard.exceptions import SoftTimeLimitExceeded, Terminated, TimeLimitExceeded, WorkerLostError
    from celery import Task
    from celery.exceptions import Ignore, MaxRetriesExceededError, Retry
    from celery.signals import task_failure, task_revoked
except ImportError as error:
    remedy = "HubTask needs Celery: `pip install celery`. Django's own tasks run a function decorated with job_task."
    raise ImportError(remedy) from error

from notifications_hub.jobs import transitions
from notifications_hub.jobs.celery_messages import HEADER
from notifications_hub.jobs.models import Reason
from notifications_hub.jobs.outcome import JobCancelled, JobFailed
from notifications_hub.jobs.run import Ends, Run


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

    @property
    def retries(self) -> int:
        """Return how often the job has been retried."""
        return int(self.request.retries)

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
        try:
            return self.request.hub_run.perform(lambda: self.run(*args, **kwargs), _ENDS)
        except JobCancelled:
            raise Ignore from None

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

    def _running(self) -> Run | None:
        return getattr(self.request, "hub_run", None)


def _seconds_to(when: datetime | float | None) -> float:
    if isinstance(when, datetime):
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    return float(when or 0)


_ENDS: Ends = {
    Retry: lambda run, retry: run.put_off(_seconds_to(retry.when)),
    SoftTimeLimitExceeded: lambda run, error: run.fail(reason=Reason.LATE),
}


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
