"""The tasks of `job_tasks.py` under the engine that the test runs: Django's task framework or Celery."""

from __future__ import annotations

import os
from typing import Any

from celery import shared_task

from notifications_hub import HubTask, JobTask
from tests.jobs import job_tasks
from tests.jobs.job_tasks import left

__all__ = ["left"]

CELERY, DJANGO = ENGINES = ("celery", "django")
_engine = os.environ.get("JOB_ENGINE", CELERY)


def engine() -> str:
    return _engine


def use_engine(name: str) -> None:
    """Start the following jobs of this process by this engine."""
    global _engine  # noqa: PLW0603 -- the fixture of each test sets it
    _engine = name


class Task:
    """One function as a task of both engines."""

    def __init__(self, of_django: JobTask, **options: Any) -> None:
        name = f"tests.jobs.tasks.{of_django.function.__name__}"
        self.of_django = of_django
        self.of_celery: Any = shared_task(base=HubTask, bind=True, name=name, **options)(of_django.function)

    def s(self, *args: Any, **kwargs: Any) -> Any:
        return (self.of_celery if _engine == CELERY else self.of_django).s(*args, **kwargs)

    def limit_retries(self, most: int) -> None:
        self.of_celery.max_retries = self.of_django.max_retries = most


count = Task(job_tasks.count)
silent = Task(job_tasks.silent)
say_why = Task(job_tasks.say_why)
say_in_what_language = Task(job_tasks.say_in_what_language)
say_in_what_time_zone = Task(job_tasks.say_in_what_time_zone)
recite = Task(job_tasks.recite)
stumble = Task(job_tasks.stumble)
try_again = Task(job_tasks.try_again, max_retries=2)
swallow_everything = Task(
    job_tasks.swallow_everything, autoretry_for=(Exception,), retry_backoff=False, default_retry_delay=0
)
add_up = Task(job_tasks.add_up)
