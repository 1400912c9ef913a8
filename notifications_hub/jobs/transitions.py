"""Every change of a job: one conditional update and its event, in one transaction.

The condition lets only one of two workers with the same message win. It also stops a worker that was given up from
overwriting a later decision. Locks are taken parent first, then part, so that parts which end together queue up.
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
"""Sent with `pks` after the commit that queued them. It is a hint: the sweeper sends those that are missed."""

CANCEL_SECONDS = 10.0
"""Seconds that a running task has to notice a cancellation. After that its bar ends anyway."""
_EVENTS = {JobState.RETRYING: "task.retry", JobState.QUEUED: "task.progress", JobState.RUNNING: "task.progress"}
_ENDED = {JobState.DONE: "success", JobState.FAILED: "error"}

Id = UUID | str

log = logging.getLogger(__name__)


# Called by the worker


def claim(pk: Id) -> Job | None:
    """Claim a queued job for the caller. Return None if another worker has it, or it was cancelled."""
    values = {"state": JobState.RUNNING, "claim": uuid4(), "due_at": lease(), "starts": F("starts") + 1}
    return _change(pk, {"state": JobState.QUEUED}, started_at=Coalesce("started_at", Now()), **values)


def lease() -> Any:
    """Return when a lease that begins now ends. It uses the database's clock, as the machines' clocks differ."""
    return Now() + timedelta(seconds=hub_settings.job_lease)


def renew(job: Job) -> None:
    """Renew the lease, unless the job was cancelled: then the lease ends in time for the bar."""
    _own(job).filter(cancel_asked=False).update(due_at=lease())


def may_go_on(job: Job) -> bool:
    """Return False once the job was cancelled, or given up and perhaps restarted elsewhere."""
    return bool(_own(job).filter(cancel_asked=False).exists())


def report(job: Job, values: Mapping[str, Any]) -> bool:
    """Write progress. Return False if the job no longer belongs to this worker."""
    return _change(job.pk, {"state": JobState.RUNNING, "claim": job.claim}, **values) is not None


def finish(job: Job, outcome: Done, values: Mapping[str, Any]) -> bool:
    """Mark the job as done. Return False if it no longer belongs to this worker.

    Raise `ValueError` if the outcome's URL leads to another site.
    """
    given: dict[str, Any] = {**values, "download": same_site_path(outcome.url), "value": _kept(outcome.value)}
    given["text"] = clean(outcome.text)
    return _end(job.pk, _mine(job), JobState.DONE, **given) is not None


def fail(job: Job, values: Mapping[str, Any], *, words: str = "", reason: str = Reason.ERROR) -> bool:
    """Mark the job as failed, with the task's own words if it has any, else with a reason."""
    why = {"text": clean(words), "reason": ""} if words else {"text": "", "reason": reason}
    return _end(job.pk, _mine(job), JobState.FAILED, **{**values, **why}) is not None


def stop(job: Job, values: Mapping[str, Any]) -> bool:
    """Mark the job as cancelled, once its task has noticed."""
    return _end(job.pk, _mine(job), JobState.CANCELLED, **values) is not None


def put_off(job: Job, seconds: float, values: Mapping[str, Any]) -> bool:
    """Schedule another attempt. The row keeps the time, as brokers lose messages with a distant one."""
    again = {"state": JobState.RETRYING, "claim": None, "due_at": Now() + timedelta(seconds=seconds)}
    return _change(job.pk, _mine(job), retries=F("retries") + 1, **{**values, **again}) is not None


# Called by anyone


def cancel(job: Job) -> bool:
    """Cancel the job: at once if it has not started, else when its task notices. Return False if it had ended."""
    with transaction.atomic():
        _lock(job.parent_id or job.pk)
        # Before its parts: the last part to end decides how the parent ends.
        asked = _cancel_one(job)
        for part in job.parts.filter(state__in=OPEN).order_by("position"):
            _cancel_one(part)
        return asked


def revoked(pk: Id) -> None:
    """Mark the job as cancelled after its task was revoked through Celery."""
    _end(pk, {"state__in": OPEN}, JobState.CANCELLED)


def give_up(pk: Id) -> None:
    """Handle a lease that has ended: restart the job if it may restart, else fail it as lost."""
    expired = {"state": JobState.RUNNING, "due_at__lte": Now()}
    if _end(pk, {**expired, "cancel_asked": True}, JobState.CANCELLED):
        return
    if not _queue(pk, {**expired, "restarts__gt": 0}, restarts=F("restarts") - 1, claim=None):
        _end(pk, expired, JobState.FAILED, reason=Reason.LOST, text="")


def expire(pk: Id) -> None:
    """End the lease now, because the process that held it is dead."""
    Job.objects.filter(pk=pk, state=JobState.RUNNING, claim__isnull=False).update(due_at=Now())


def out_of_time(pk: Id) -> None:
    """Fail a job that Celery killed at its time limit."""
    _end(pk, {"state": JobState.RUNNING}, JobState.FAILED, reason=Reason.LATE, text="")


def announce(job: Job) -> None:
    """Log the job's state as an event. Parts have no topic, so they log none."""
    if job.parent_id is None:
        streams.append(job.topic, _EVENTS.get(JobState(job.state), f"task.{job.state}"), job.as_json())


def send_again_at() -> Any:
    return Now() + timedelta(seconds=hub_settings.job_resend)


def send_after_commit(pks: Sequence[Id]) -> None:
    """Send the `queued` signal once the transaction commits."""
    transaction.on_commit(partial(queued.send_robust, sender=Job, pks=pks), robust=True)


def clean(text: str) -> str:
    """Return the text as every database can store and every page can show it, at most `MAX_TEXT` long."""
    return storable(text, MAX_TEXT)


# Helpers


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
            send_after_commit([pk])
        return job


def _end(pk: Id, was: Mapping[str, Any], state: JobState, **values: Any) -> Job | None:
    with transaction.atomic():
        parent = _lock(Job.objects.filter(pk=pk).values_list("parent", flat=True).first())
        ended = _change(pk, was, state=state, ended_at=Now(), claim=None, due_at=None, **values)
        if ended and parent:
            _count(parent)
        elif ended:
            _notify_owner(ended)
        return ended


def _lock(pk: Id | None) -> Job | None:
    return Job.objects.select_for_update(no_key=True).filter(pk=pk).first() if pk else None


def _cancel_one(job: Job) -> bool:
    if _end(job.pk, {"state__in": (JobState.QUEUED, JobState.RETRYING)}, JobState.CANCELLED):
        return True
    asked = {"state": JobState.RUNNING, "cancel_asked": False}
    running = _change(job.pk, {**asked, "claim__isnull": False}, cancel_asked=True, due_at=_cancel_deadline())
    return (running or _change(job.pk, asked, cancel_asked=True)) is not None


def _cancel_deadline() -> Any:
    return Now() + timedelta(seconds=CANCEL_SECONDS)


def _count(parent: Job) -> None:
    """Count a locked parent's parts. If none is open, end the parent or queue the task that follows."""
    parts = list(parent.parts.order_by("position").values_list("state", "value"))
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


def _notify_owner(job: Job) -> None:
    level = _ENDED.get(JobState(job.state))
    if level is None:
        # The person who cancelled it knows.
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
    """Return the result as JSON for a following task. Drop it if it is too large or not JSON, so that the job ends."""
    try:
        text = as_json(value)
    except (TypeError, ValueError):
        log.warning("The result of a job is not kept, because it is not JSON")
        return None
    if len(text) > MAX_DATA:
        log.warning("The result of a job is too large to keep: %s characters", len(text))

        return None
    return json.loads(text)
