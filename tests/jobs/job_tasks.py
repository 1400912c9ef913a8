"""Tasks that a test's worker runs. They record their steps in files, because they may be killed.

Each is written once, for Django's task framework. `tests/jobs/tasks.py` makes Celery's of the same functions.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from notifications_hub import Done, JobFailed, RunningJob, job_task


class Reporting(Protocol):
    """The first argument of a task, under both engines."""

    def progress(self, done: float, total: float = 0, text: str = "") -> None: ...


@job_task
def count(self: Reporting, total: int, pause: float = 0.0, trace: str = "") -> Done:
    """Write a line at the start and one at the end."""
    _leave(trace, "began")
    for done in range(1, total + 1):
        self.progress(done, total, f"Step {done}")
        time.sleep(pause)
    _leave(trace, "ended")
    return Done(text=f"{total} steps", url="/result.csv", value=total)


@job_task
def silent(self: Reporting, seconds: float) -> None:
    time.sleep(seconds)


@job_task
def say_why(self: Reporting, words: str) -> None:
    self.progress(1, 4, "So far so good")
    raise JobFailed(words)


@job_task
def say_in_what_language(self: Reporting) -> None:
    raise JobFailed(get_language())


@job_task
def say_in_what_time_zone(self: Reporting) -> None:
    raise JobFailed(get_current_timezone_name())


@job_task
def recite(self: Reporting, words: str, pause: float) -> None:
    """Report the texts as progress, and return the last one."""
    for done in (1, 2):
        time.sleep(pause)
        self.progress(done, 3, words)
    time.sleep(pause)
    raise JobFailed(words)


@job_task
def stumble(self: Reporting) -> None:
    raise RuntimeError("password=hunter2")


@job_task(max_retries=2)
def try_again(self: RunningJob, countdown: float) -> str:
    if self.retries < 2:
        self.retry(countdown=countdown, exc=RuntimeError("not yet"))
    return "third time lucky"


@job_task
def swallow_everything(self: Reporting, rounds: int) -> None:
    """Swallow every exception, as a careless task would."""
    for done in range(rounds):
        with suppress(Exception):
            self.progress(done, rounds, "Going on")
        time.sleep(0.02)


@job_task
def add_up(self: Reporting, numbers: list[int], *, times: int = 1) -> Done:
    self.progress(1, 2, "Adding")
    return Done(text=str(sum(numbers) * times))


def _leave(trace: str, word: str) -> None:
    if trace:
        with Path(trace).open("a") as file:
            file.write(f"{word}\n")


def left(trace: Path) -> list[str]:
    return trace.read_text().split() if trace.exists() else []
