"""One run of a job in a worker, under any engine: its progress, and the end that it comes to."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError

from notifications_hub.database.primary import connection
from notifications_hub.jobs import transitions
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

    def perform(self, work: Callable[[], Any], ends: Ends) -> None:
        """Run the task in its owner's language, and settle the job. Re-raise what the task raised.

        `ends` names the engine's own exceptions, such as its way to retry, and how each of them settles the job.
        """
        use_script_name()
        try:
            with localized_for(self.job.owner):
                given = work()
            self.end(given if isinstance(given, Done) else Done(value=given))
        except BaseException as error:  # an exiting process too: its heartbeat must end with the task
            self._settle_by(error, ends)
            raise

    def _settle_by(self, error: BaseException, ends: Ends) -> None:
        for kind, settle in {**ends, **_ENDS}.items():
            if isinstance(error, kind):
                settle(self, error)
                return
        # The process is exiting: the heartbeat must not outlive the task. Its main process, or the lease, settles it.
        self._reporter.stop()

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

    def _settle(self, write: Callable[[dict[str, Any]], bool]) -> None:
        note = self._reporter.stop()
        if not _retry_until_written(lambda: write(note)):
            log.warning("Job %s ended, but it had been given up or cancelled before", self.job.pk)


Ends = Mapping[type[BaseException], Callable[[Run, Any], None]]
_ENDS: Ends = {
    JobCancelled: lambda run, error: run.stop(),
    JobFailed: lambda run, error: run.fail(str(error)),
    Exception: lambda run, error: run.fail(),
}


def _retry_until_written(write: Callable[[], Result]) -> Result:
    for pause in PATIENCE:
        try:
            return write()
        except (DatabaseError, InterfaceError) as error:
            log.warning("The end of a job could not be written (%s); trying again", error)
            connection.close()
            time.sleep(pause)
    return write()
