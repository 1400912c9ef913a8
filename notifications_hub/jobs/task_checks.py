"""System checks of the jobs and the worker that Django's task framework runs, with the remedy of each mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from notifications_hub.conf import hub_settings
from notifications_hub.jobs.job_task import BACKEND, declared
from notifications_hub.task_framework import backends, framework

_INSTALL = "Use Django 6.0 or newer, or install django-tasks beside Django 5.2."
_SETTING = "TASK_BACKEND"
_ADD = "Add it to the setting TASKS."
_WORKER = 'Choose a backend with a worker in TASKS, such as "django_tasks_db.DatabaseBackend".'
WITHOUT_WORKER = ("ImmediateBackend", "DummyBackend")


@register(Tags.compatibility)
def check_task_backends(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report backends that jobs and the worker name, and the site lacks."""
    wanted = _wanted()
    if not wanted:
        return []
    if not framework():
        names = ", ".join(sorted(wanted.values()))
        return [Error(f"There is no task framework for {names}.", hint=_INSTALL, id="notifications_hub.E030")]
    missing = [
        Error(f"TASKS has no backend {alias!r} for {name}.", hint=_ADD, id="notifications_hub.E031")
        for alias, name in wanted.items()
        if alias not in backends()
    ]
    return [*missing, *_worker(wanted)]


@register(Tags.compatibility, deploy=True)
def check_task_workers(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report jobs that would run inside the request that starts them."""
    if not framework():
        return []
    return [
        CheckWarning(
            f"Jobs of the task backend {alias!r} run in web requests.", hint=_WORKER, id="notifications_hub.W030"
        )
        for alias in sorted({str(task.options[BACKEND]) for task in declared})
        if alias in backends() and type(backends()[alias]).__name__ in WITHOUT_WORKER
    ]


def _wanted() -> dict[str, str]:
    """Return the aliases that are named, each with a job or setting that names it."""
    wanted = {str(task.options[BACKEND]): task.name for task in declared}
    try:
        alias = hub_settings.task_backend
    except (ImproperlyConfigured, ImportError):  # another check reports it
        return wanted
    return {**wanted, alias: _SETTING} if alias else wanted


def _worker(wanted: Mapping[str, str]) -> list[CheckMessage]:
    return [
        Error(f"TASK_BACKEND is {alias!r}, which cannot run a task later.", hint=_WORKER, id="notifications_hub.E032")
        for alias, name in wanted.items()
        if name == _SETTING and alias in backends() and not backends()[alias].supports_defer
    ]
