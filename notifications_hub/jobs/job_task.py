"""Jobs for Django's own task framework: functions that `start` accepts, run by any backend of the setting `TASKS`.

@job_task
def write_report(job, year):
    for done, row in enumerate(rows, 1):
        job.progress(done, len(rows), "Reading the orders")
    return Done(url="/reports/9.csv")

start(write_report.s(2026), owner=request.user, title="Report 2026")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from notifications_hub.jobs.run import Run
from notifications_hub.task_framework import DEFAULT

BACKEND = "backend"
"""The option of a job that names its backend. Jobs of Celery have none."""

declared: list[JobTask] = []
"""The tasks of modules that have been imported, for the system checks."""


class JobRetry(Exception):
    """Raised by `job.retry()`. Let it pass."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class JobCall:
    """A task with its arguments, for `start` and `start_all`."""

    task: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class RunningJob:
    """The first argument of a `job_task`: it reports progress and retries."""

    _task: JobTask
    _run: Run | None = None

    @property
    def retries(self) -> int:
        """Return how often the job has been retried."""
        return self._run.job.retries if self._run else 0

    def progress(self, done: float, total: float = 0, text: str = "") -> None:
        """Report progress; `total` is 0 if unknown. It is cheap: call it as often as you like.

        Raise `JobCancelled` once the job is cancelled. A task that should be stoppable calls this now and then.
        """
        if self._run:
            self._run.progress(done, total, str(text))

    def retry(self, *, countdown: float | None = None, exc: BaseException | None = None) -> None:
        """Stop here, and run the job again after `countdown` seconds. After `max_retries`, raise `exc` instead."""
        if self.retries >= self._task.max_retries:
            raise exc or RuntimeError(f"{self._task.name} was tried {self.retries + 1} times")
        raise JobRetry(self._task.retry_delay if countdown is None else countdown) from exc


@dataclass
class JobTask:
    """A function that runs as a job. Called directly, it is a plain function that reports nothing."""

    function: Callable[..., Any]
    max_retries: int = 3
    retry_delay: float = 180.0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the path by which a worker imports it."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def s(self, *args: Any, **kwargs: Any) -> JobCall:
        """Return the task with these arguments, to be started."""
        return JobCall(self.name, args, kwargs, self.options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(RunningJob(self), *args, **kwargs)

    def work(self, run: Run) -> Any:
        """Call the function as a job, and return its result."""
        given = run.job.arguments
        return self.function(RunningJob(self, run), *given["args"], **given["kwargs"])


@overload
def job_task(function: Callable[..., Any], /) -> JobTask: ...


@overload
def job_task(
    *,
    max_retries: int = 3,
    retry_delay: float = 180.0,
    queue_name: str = DEFAULT,
    priority: int = 0,
    backend: str = DEFAULT,
) -> Callable[[Callable[..., Any]], JobTask]: ...


def job_task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    max_retries: int = 3,
    retry_delay: float = 180.0,
    queue_name: str = DEFAULT,
    priority: int = 0,
    backend: str = DEFAULT,
) -> JobTask | Callable[[Callable[..., Any]], JobTask]:
    """Declare a job's function, at the top level of a module. Its first argument is the running job.

    `queue_name`, `priority` and `backend` mean the same as for Django's `task`. Start it with `start()`.
    """
    options = {BACKEND: backend, "queue_name": queue_name, "priority": priority}

    def declare(function: Callable[..., Any]) -> JobTask:
        task = JobTask(function, max_retries, retry_delay, options)
        declared.append(task)
        return task

    return declare(function) if function else declare
