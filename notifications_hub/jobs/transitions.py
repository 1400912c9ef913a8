"""Every way a job changes: one conditional update and its event, in one transaction.

The condition is what keeps two workers with one message apart, and a worker that was given up from overwriting what
was decided without it. Locks are taken parent first, then part, so that parts which end together queue up.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.dispatch import Signal
from notifications.signals import notify

from notifications_hub import streams
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.jobs.models import MAX_TEXT, OPEN, Job, JobState, Reason
from notifications_hub.jobs.outcome import Done
from notifications_hub.streams.models import MAX_DATA, as_json
from notifications_hub.web.site_paths import same_site_path
from notifications_hub.web.text import storable

queued = Signal()
"""Sent with `pks`, after the commit that queued them. A hint: what nobody sends now the sweeper does."""

CANCEL_SECONDS = 10.0
"""How long a task has to notice that it is to stop, before its bar ends without it."""
_EVENTS = {JobState.RETRYING: "task.retry", JobState.QUEUED: "task.progress", JobState.RUNNING: "task.progress"}
_ENDED = {JobState.DONE: "success", JobState.FAILED: "error"}

Id = UUID | str

log = logging.getLogger(__name__)


# A worker's part


def claim(pk: Id) -> Job | None:
    """Makes the caller the one that runs it; None where another does, or it is no longer wanted."""
    values = {"state": JobState.RUNNING, "claim": uuid4(), "due_at": lease(), "starts": F("starts") + 1}
    return _change(pk, {"state": JobState.QUEUED}, started_at=Coalesce("started_at", Now()), **values)


def lease() -> Any:
    """Its end, by the database's clock: those of two machines may differ by more."""
    return Now() + timedelta(seconds=hub_settings.job_lease)


def renew(job: Job) -> None:
    """Not where it is to stop: then the lease ends in time for the bar."""
    _own(job).filter(cancel_asked=False).update(due_at=lease())


def may_go_on(job: Job) -> bool:
    """False once it was cancelled, or given up and perhaps begun elsewhere."""
    return bool(_own(job).filter(cancel_asked=False).exists())


def report(job: Job, values: Mapping[str, Any]) -> bool:
    """Writes progress. False where the job is no longer this worker's."""
    return _change(job.pk, {"state": JobState.RUNNING, "claim": job.claim}, **values) is not None


def finish(job: Job, outcome: Done, values: Mapping[str, Any]) -> bool:
    """A url that leads elsewhere is a `ValueError`. False where the job is no longer this worker's."""
    given: dict[str, Any] = {**values, "download": same_site_path(outcome.url), "value": _kept(outcome.value)}
    given["text"] = clean(outcome.text)
    return _end(job.pk, _mine(job), JobState.DONE, **given) is not None


def fail(job: Job, values: Mapping[str, Any], *, words: str = "", reason: str = Reason.ERROR) -> bool:
    """With words for people, or else the reason."""
    said = {"text": clean(words), "reason": ""} if words else {"text": "", "reason": reason}
    return _end(job.pk, _mine(job), JobState.FAILED, **{**values, **said}) is not None


def stop(job: Job, values: Mapping[str, Any]) -> bool:
    """The task heard that it was cancelled."""
    return _end(job.pk, _mine(job), JobState.CANCELLED, **values) is not None


def put_off(job: Job, seconds: float, values: Mapping[str, Any]) -> bool:
    """For another try. The row keeps the time, as brokers lose those that are far away."""
    again = {"state": JobState.RETRYING, "claim": None, "due_at": Now() + timedelta(seconds=seconds)}
    return _change(job.pk, _mine(job), retries=F("retries") + 1, **{**values, **again}) is not None


# Anybody's part


def cancel(job: Job) -> bool:
    """Stops it: at once where it has not begun, else as soon as its task looks. False where it had ended."""
    with transaction.atomic():
        _lock(job.parent_id or job.pk)
        # Before its parts, of which the last to end decides how it ended.
        asked = _cancel_one(job)
        for part in job.parts.filter(state__in=OPEN).order_by("place"):
            _cancel_one(part)
        return asked


def revoked(pk: Id) -> None:
    """Celery itself was told to drop it."""
    _end(pk, {"state__in": OPEN}, JobState.CANCELLED)


def give_up(pk: Id) -> None:
    """Its lease has ended: to be started again if it may, else it is lost."""
    expired = {"state": JobState.RUNNING, "due_at__lte": Now()}
    if _end(pk, {**expired, "cancel_asked": True}, JobState.CANCELLED):
        return
    if not _queue(pk, {**expired, "restarts__gt": 0}, restarts=F("restarts") - 1, claim=None):
        _end(pk, expired, JobState.FAILED, reason=Reason.LOST, text="")


def expire(pk: Id) -> None:
    """Whoever held the lease is known to be dead."""
    Job.objects.filter(pk=pk, state=JobState.RUNNING, claim__isnull=False).update(due_at=Now())


def out_of_time(pk: Id) -> None:
    """It was ended at its time limit, and could say nothing."""
    _end(pk, {"state": JobState.RUNNING}, JobState.FAILED, reason=Reason.LATE, text="")


def announce(job: Job) -> None:
    """Logs how it stands. Nobody looks at a part of its own."""
    if job.parent_id is None:
        streams.append(job.topic, _EVENTS.get(JobState(job.state), f"task.{job.state}"), job.as_json())


def send_again_at() -> Any:
    return Now() + timedelta(seconds=hub_settings.job_resend)


def say_queued(pks: Sequence[Id]) -> None:
    transaction.on_commit(partial(queued.send_robust, sender=Job, pks=pks), robust=True)


def clean(text: str) -> str:
    """What every database keeps and every page can show."""
    return storable(text, MAX_TEXT)


# How


def _mine(job: Job) -> dict[str, Any]:
    return {"state": JobState.RUNNING, "claim": job.claim}


def _own(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, **_mine(job))


def _change(pk: Id, was: Mapping[str, Any], **values: Any) -> Job | None:
    with transaction.atomic():
        if not Job.objects.filter(pk=pk, **was).update(version=F("version") + 1, **values):
            return None
        job = Job.objects.select_related("owner").get(pk=pk)
        announce(job)
        return job


def _queue(pk: Id, was: Mapping[str, Any], **values: Any) -> Job | None:
    with transaction.atomic():
        job = _change(pk, was, state=JobState.QUEUED, due_at=send_again_at(), **values)
        if job:
            say_queued([pk])
        return job


def _end(pk: Id, was: Mapping[str, Any], state: JobState, **values: Any) -> Job | None:
    with transaction.atomic():
        parent = _lock(Job.objects.filter(pk=pk).values_list("parent", flat=True).first())
        ended = _change(pk, was, state=state, ended_at=Now(), claim=None, due_at=None, **values)
        if ended and parent:
            _count(parent)
        elif ended:
            _tell(ended)
        return ended


def _lock(pk: Id | None) -> Job | None:
    return Job.objects.select_for_update(no_key=True).filter(pk=pk).first() if pk else None


def _cancel_one(job: Job) -> bool:
    if _end(job.pk, {"state__in": (JobState.QUEUED, JobState.RETRYING)}, JobState.CANCELLED):
        return True
    asked = {"state": JobState.RUNNING, "cancel_asked": False}
    running = _change(job.pk, {**asked, "claim__isnull": False}, cancel_asked=True, due_at=_soon())
    return (running or _change(job.pk, asked, cancel_asked=True)) is not None


def _soon() -> Any:
    return Now() + timedelta(seconds=CANCEL_SECONDS)


def _count(parent: Job) -> None:
    """Of a parent that is locked: how many parts are done, and what follows when none is open."""
    parts = list(parent.parts.order_by("place").values_list("state", "value"))
    states = [state for state, _value in parts]
    counted = {"done": states.count(JobState.DONE)}
    was = {"state": JobState.RUNNING, "claim": None}
    if any(state in OPEN for state in states):
        _change(parent.pk, was, **counted)
    elif parent.cancel_asked:
        _end(parent.pk, was, JobState.CANCELLED, **counted)
    elif states.count(JobState.DONE) < len(states):
        _end(parent.pk, was, JobState.FAILED, reason=Reason.PARTS, **counted)
    elif parent.task:
        given = {**parent.arguments, "args": [[value for _state, value in parts], *parent.arguments["args"]]}
        _queue(parent.pk, was, **counted, arguments=given)
    else:
        _end(parent.pk, was, JobState.DONE, **counted)


def _tell(job: Job) -> None:
    level = _ENDED.get(JobState(job.state))
    if level is None:
        # Whoever cancelled it knows.
        return
    notify.send(
        job,
        recipient=job.owner,
        verb=job.state,
        kind=f"task.{job.state}",
        level=level,
        url=job.url or job.download,
        description=job.text or None,
        dedupe_key=f"task.{job.pk}",
        data={"job": str(job.pk), "reason": job.reason},
    )


def _kept(value: Any) -> Any:
    """What a following task may be given. Too much of it, or what is no JSON, is dropped rather than lost the job."""
    try:
        text = as_json(value)
    except (TypeError, ValueError):
        log.warning("What a job returned is no JSON; it is not kept")
        return None
    if len(text) > MAX_DATA:
        log.warning("What a job returned is too large to keep: %s characters", len(text))
        return None
    return json.loads(text)
