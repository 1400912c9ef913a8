"""Tasks that a test's worker runs. They record their steps in files, because they may be killed."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from celery import shared_task
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from notifications_hub import Done, HubTask, JobFailed


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def count(self: HubTask, total: int, pause: float = 0.0, trace: str = "") -> Done:
    """Write a line at the start and one at the end."""
    _leave(trace, "began")
    for done in range(1, total + 1):
        self.progress(done, total, f"Step {done}")
        time.sleep(pause)
    _leave(trace, "ended")
    return Done(text=f"{total} steps", url="/result.csv", value=total)


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def silent(self: HubTask, seconds: float) -> None:
    time.sleep(seconds)


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def say_why(self: HubTask, words: str) -> None:
    self.progress(1, 4, "So far so good")
    raise JobFailed(words)


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def say_in_what_language(self: HubTask) -> None:
    raise JobFailed(get_language())


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def say_in_what_time_zone(self: HubTask) -> None:
    raise JobFailed(get_current_timezone_name())


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def recite(self: HubTask, words: str, pause: float) -> None:
    """Report the texts as progress, and return the last one."""
    for done in (1, 2):
        time.sleep(pause)
        self.progress(done, 3, words)
    time.sleep(pause)
    raise JobFailed(words)


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def stumble(self: HubTask) -> None:
    raise RuntimeError("password=hunter2")


@shared_task(base=HubTask, bind=True, max_retries=2)  # type: ignore[untyped-decorator]
def try_again(self: HubTask, countdown: float) -> str:
    if self.request.retries < 2:
        self.retry(countdown=countdown, exc=RuntimeError("not yet"))
    return "third time lucky"


@shared_task(base=HubTask, bind=True, autoretry_for=(Exception,), retry_backoff=False, default_retry_delay=0)  # type: ignore[untyped-decorator]
def swallow_everything(self: HubTask, rounds: int) -> None:
    """Swallow every exception, as a careless task would."""
    for done in range(rounds):
        with suppress(Exception):
            self.progress(done, rounds, "Going on")
        time.sleep(0.02)


@shared_task(base=HubTask, bind=True)  # type: ignore[untyped-decorator]
def add_up(self: HubTask, numbers: list[int], *, times: int = 1) -> Done:
    self.progress(1, 2, "Adding")
    return Done(text=str(sum(numbers) * times))


def _leave(trace: str, word: str) -> None:
    if trace:
        with Path(trace).open("a") as file:
            file.write(f"{word}\n")


def left(trace: Path) -> list[str]:
    return trace.read_text().split() if trace.exists() else []
