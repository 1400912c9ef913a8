"""Jobs: Celery tasks whose state is a row, and whose progress bar on a page always ends.

    @shared_task(base=HubTask, bind=True)
    def report(self, year):
        for done, row in enumerate(rows, 1):
            self.progress(done, len(rows), "Reading the orders")
        return Done(url="/reports/9.csv")

    job = start(report.s(2026), owner=request.user, title="Report 2026", url="/reports/")

Only the worker's modules import Celery, so this app also works on a site without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notifications_hub.jobs.enqueue import start, start_all
    from notifications_hub.jobs.outcome import Done, JobCancelled, JobFailed
    from notifications_hub.jobs.task import HubTask
    from notifications_hub.jobs.transitions import cancel

__all__ = ["Done", "HubTask", "JobCancelled", "JobFailed", "cancel", "start", "start_all"]

_HOMES = {
    "Done": "outcome",
    "HubTask": "task",
    "JobCancelled": "outcome",
    "JobFailed": "outcome",
    "cancel": "transitions",
    "start": "enqueue",
    "start_all": "enqueue",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: these modules hold models, or need Celery.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
