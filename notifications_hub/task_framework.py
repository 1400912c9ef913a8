"""Django's task framework, or its backport `django-tasks` beside Django 5.2. A site may have neither."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from django.utils.module_loading import import_string

DEFAULT = "default"


def framework() -> str:
    """Return the framework's module, or an empty text."""
    return next((name for name in ("django.tasks", "django_tasks") if find_spec(name)), "")


def backends() -> Any:
    """Return the backends of the setting `TASKS`, by alias."""
    return import_string(f"{framework()}.task_backends")


def hub_task(function: Callable[..., None]) -> Any:
    """Declare a Django task on any backend and queue of the site. Each message names its own with `using()`."""
    known = backends()
    alias = DEFAULT if DEFAULT in known else next(iter(known))
    return import_string(f"{framework()}.task")(backend=alias, queue_name=queue_of(alias))(function)


def queue_of(alias: str) -> str:
    """Return the queue for messages that name none."""
    queues = backends()[alias].queues
    return DEFAULT if not queues or DEFAULT in queues else min(queues)
