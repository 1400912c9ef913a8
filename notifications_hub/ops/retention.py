"""Removal of old data: settled deliveries and escalations, the beginning of each topic's log, and ended jobs.

It runs in short transactions, so that neither a million inboxes nor a very long log blocks the site. If it is killed
half-way, the next run does the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from notifications_hub import streams
from notifications_hub.actions.models import ActionResult
from notifications_hub.actions.removal import orphans
from notifications_hub.announcements.models import Announcement
from notifications_hub.database import transaction
from notifications_hub.delivery.models import Delivery
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.ingest.models import IngestedRequest
from notifications_hub.jobs.models import Job

ROWS = 250
"""The most deliveries, or steps of escalations, in one transaction."""
JOBS = 20
"""The most jobs in one transaction. Each may have many parts."""


Settled = type[Delivery] | type[EscalationStep]
_SETTLED: tuple[Settled, ...] = (Delivery, EscalationStep)


@dataclass(frozen=True, slots=True)
class Pruned:
    deliveries: int
    events: int
    jobs: int
    requests: int = 0
    """Answers to services that were kept under an idempotency key."""
    escalation_steps: int = 0


def prune(before: datetime) -> Pruned:
    """Remove deliveries and escalations settled, events logged and jobs ended before a moment."""
    Announcement.objects.record_numbers()
    deliveries, steps = (sum(_remove(model, ids) for ids in _settled(model, before)) for model in _SETTLED)
    # Events first: a job is deleted together with its log, which may be long.
    events = streams.prune_before(before)
    _prune_results(before)
    return Pruned(deliveries, events, _prune_jobs(before), _prune_requests(before), steps)


def prunable(before: datetime) -> Pruned:
    """Count the rows that `prune` would remove."""
    deliveries, steps = (sum(len(ids) for ids in _settled(model, before)) for model in _SETTLED)
    requests = sum(len(ids) for ids in _old_requests(before))
    return Pruned(deliveries, streams.count_before(before), _old_jobs(before).count(), requests, steps)


def _settled(model: Settled, before: datetime) -> Iterator[list[int]]:
    """Yield the ids of old rows, in pages, until a page was created too late: ids ascend with time."""
    last, rows = 0, model.objects.order_by("pk").values_list("pk", "created", "state", "settled_at")
    while page := list(rows.filter(pk__gt=last)[:ROWS]):
        last = page[-1][0]
        if all(created >= before for _pk, created, _state, _settled_at in page):
            return
        settled = ((pk, at) for pk, _created, state, at in page if state != "waiting")
        yield [pk for pk, at in settled if at is not None and at < before]


def _remove(model: Settled, ids: list[int]) -> int:
    began = time.monotonic()
    removed = model.objects.filter(pk__in=ids).delete()[0]
    streams.give_way(time.monotonic() - began)
    return removed


def _old_jobs(before: datetime) -> QuerySet[Job]:
    """Return old jobs without their parts, which are removed with their parent."""
    return Job.objects.filter(ended_at__lt=before, parent=None)


def _prune_jobs(before: datetime) -> int:
    removed = 0
    while jobs := list(_old_jobs(before).order_by("ended_at").values_list("pk", flat=True)[:JOBS]):
        began = time.monotonic()
        with transaction.atomic():
            Job.objects.filter(pk__in=jobs).delete()
        streams.give_way(time.monotonic() - began)
        removed += len(jobs)
    return removed


def _old_requests(before: datetime) -> Iterator[list[int]]:
    """Yield the keys of old requests of services, in pages: keys ascend with time."""
    last, rows = 0, IngestedRequest.objects.order_by("pk").values_list("pk", "created")
    while page := [pk for pk, created in rows.filter(pk__gt=last)[:ROWS] if created < before]:
        last = page[-1]
        yield page


def _prune_results(before: datetime) -> int:
    return sum(ActionResult.objects.filter(pk__in=ids).delete()[0] for ids in orphans(before))


def _prune_requests(before: datetime) -> int:
    return sum(IngestedRequest.objects.filter(pk__in=ids).delete()[0] for ids in _old_requests(before))
