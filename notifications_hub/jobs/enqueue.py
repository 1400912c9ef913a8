"""Start jobs: write rows in the caller's transaction, and send messages after its commit.

JobError (ValueError)
└── BadJob    the signature, owner, title or link is invalid
    └── WrongType (TypeError)    the signature, owner or title is something else altogether
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from django.contrib.auth import get_user_model
from django.db.models.functions import Now
from django.utils.functional import Promise

from notifications_hub import audiences
from notifications_hub.conf import require_time_zones
from notifications_hub.database import transaction
from notifications_hub.following.followed import is_unsaved
from notifications_hub.jobs.job_task import BACKEND
from notifications_hub.jobs.models import Job, JobState
from notifications_hub.jobs.transitions import announce, clean, send_after_commit, send_again_at
from notifications_hub.streams.models import as_json
from notifications_hub.task_framework import framework
from notifications_hub.users import Person
from notifications_hub.web.site_paths import same_site_path
from notifications_hub.web.text import is_blank

ROUTES = {BACKEND: ("backend", "queue_name", "priority"), "": ("queue", "routing_key", "exchange", "priority")}
"""The options that say where a job runs: those of Django's tasks, and those of Celery."""


class JobError(ValueError):
    """The base of the errors that `start` and `start_all` raise."""


class BadJob(JobError):
    """Raised when a signature, owner, title or link cannot be stored."""


class WrongType(BadJob, TypeError):
    """Raised for a signature, owner or title of another type. The message names what to write instead."""


@runtime_checkable
class Signature(Protocol):
    """The part of Celery's `Signature` that is used here. `JobCall` has it too."""

    @property
    def task(self) -> str: ...

    @property
    def args(self) -> Sequence[Any]: ...

    @property
    def kwargs(self) -> Mapping[str, Any]: ...

    @property
    def options(self) -> Mapping[str, Any]: ...


def start(
    signature: Signature, *, owner: Person, title: str, url: str = "", audience: str = "", restarts: int = 0
) -> Job:
    """Queue a task in the caller's transaction, and return its job. After a rollback it never runs.

    `url` is the page that shows the job. Members of `audience` may watch it too. `restarts` is how often the task may
    run again after its worker was killed: set it only for a task that may safely run twice. Raise `BadJob`.
    """
    job = _row(signature, owner=owner, title=title, url=url, audience=audience, restarts=restarts)
    _insert([job])
    return job


def start_all(
    signatures: Sequence[Signature],
    *,
    owner: Person,
    title: str,
    then: Signature | None = None,
    url: str = "",
    audience: str = "",
    restarts: int = 0,
) -> Job:
    """Queue many tasks as one job, whose bar counts them. Return the job. Raise `BadJob`.

    `then` runs once all are done, and receives the list of their results in order. If one fails, it does not run.
    """
    if isinstance(signatures, Signature) or not isinstance(signatures, Sequence):
        raise WrongType("start_all() takes a list of signatures, as in [write_part.s(1), write_part.s(2)].")
    if not signatures:
        raise BadJob("start_all() needs at least one signature.")
    following = {} if then is None else _described(then)
    total = len(signatures) + (then is not None)
    about: dict[str, Any] = {"owner": owner, "title": title, "url": url, "audience": audience, "restarts": restarts}
    parent = _checked(**about, **following, state=JobState.RUNNING, total=total, started_at=Now())
    rows = [_row(one, **about, parent=parent, position=position) for position, one in enumerate(signatures)]
    _insert([parent, *rows])
    return parent


def _insert(jobs: Sequence[Job]) -> None:
    require_time_zones()
    queued = [job for job in jobs if job.state == JobState.QUEUED]
    for job in queued:
        job.due_at = send_again_at()
    with transaction.atomic():
        Job.objects.bulk_create(jobs, batch_size=500)
        jobs[0].refresh_from_db()
        announce(jobs[0])
        send_after_commit([job.pk for job in queued])


def _row(signature: Signature, **about: Any) -> Job:
    return _checked(**about, **_described(signature))


def _described(signature: Any) -> dict[str, Any]:
    if not isinstance(signature, Signature) or not isinstance(signature.task, str):
        raise WrongType(_remedy_for(signature))
    if signature.task.startswith("celery."):
        raise BadJob(f"A job is one task, not {signature.task}: pass many to start_all(), and the last as its `then`.")
    if strange := sorted(set(signature.options) & {"countdown", "eta", "expires", "link", "link_error", "chord"}):
        raise BadJob(f"A job does not accept {', '.join(strange)}: its row decides when it runs, and what follows it.")
    try:
        arguments = json.loads(as_json({"args": list(signature.args), "kwargs": dict(signature.kwargs)}))
    except (TypeError, ValueError) as error:
        raise BadJob(f"The arguments of {signature.task} must be JSON: {error}.") from None
    known = ROUTES[BACKEND if BACKEND in signature.options else ""]
    routes = {name: signature.options[name] for name in known if name in signature.options}
    if BACKEND in routes and not framework():
        raise BadJob(f"{signature.task} needs Django 6.0, or django-tasks beside Django 5.2.")
    return {"task": signature.task, "arguments": arguments, "options": routes}


def _remedy_for(task: object) -> str:
    name = str(getattr(task, "name", "") or getattr(task, "__name__", "write_report")).rpartition(".")[2]
    if callable(getattr(task, "s", None)):
        return f"A job is a task with its arguments: pass {name}.s(…) instead of {name}."
    return f"A job is a task with its arguments, not {task!r}: decorate a function with job_task, and pass {name}.s(…)."


def _checked(*, owner: Any, title: Any, url: str, audience: str, **about: Any) -> Job:
    if not isinstance(owner, get_user_model()) or is_unsaved(owner):
        raise WrongType(f"The owner of a job is a saved person, who sees it and is notified of its end, not {owner!r}.")
    if not isinstance(title, str | Promise):
        raise WrongType(f"The title of a job is text, not {title!r}.")
    if is_blank(str(title)):
        raise BadJob("A job needs a title: the person who waits for it reads it.")
    try:
        seen_by = audiences.check(audience) if audience else ""
        return Job(
            id=uuid.uuid4(), owner=owner, title=clean(str(title)), url=same_site_path(url), audience=seen_by, **about
        )
    except ValueError as error:
        raise BadJob(str(error)) from None
