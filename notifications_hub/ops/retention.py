"""Removal of old data: settled deliveries, the beginning of each topic's log, and ended jobs.

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
from notifications_hub.announcements.models import Announcement
from notifications_hub.database import transaction
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.ingest.models import IngestedRequest
from notifications_hub.jobs.models import Job

DELIVERIES = 250
"""The most deliveries in one transaction."""
JOBS = 20
"""The most jobs in one transaction. Each may have many parts."""


@dataclass(frozen=True, slots=True)
class Pruned:
    deliveries: int
    events: int
    jobs: int
    requests: int = 0
    """Answers to services that were kept under an idempotency key."""


def prune(before: datetime) -> Pruned:
    """Remove deliveries settled, events logged and jobs ended before a moment."""
    Announcement.objects.record_numbers()
    deliveries = sum(_remove_deliveries(ids) for ids in _old_deliveries(before))
    # Events first: a job is deleted together with its log, which may be long.
    events = streams.prune_before(before)
    return Pruned(deliveries, events, _prune_jobs(before), _prune_requests(before))


def prunable(before: datetime) -> Pruned:
    """Count the rows that `prune` would remove."""
    deliveries = sum(len(ids) for ids in _old_deliveries(before))
    requests = sum(len(ids) for ids in _old_requests(before))
    return Pruned(deliveries, streams.count_before(before), _old_jobs(before).count(), requests)


def _old_deliveries(before: datetime) -> Iterator[list[int]]:
    """Yield the ids of old deliveries, in pages, until a page was created too late: ids ascend with time."""
    last, rows = 0, Delivery.objects.order_by("pk").values_list("pk", "created", "state", "settled_at")
    while page := list(rows.filter(pk__gt=last)[:DELIVERIES]):
        last = page[-1][0]
        if all(created >= before for _pk, created, _state, _settled_at in page):
            return
        settled = ((pk, at) for pk, _created, state, at in page if state != DeliveryState.WAITING)
        yield [pk for pk, at in settled if at is not None and at < before]


def _remove_deliveries(ids: list[int]) -> int:
    began = time.monotonic()
    removed = Delivery.objects.filter(pk__in=ids).delete()[0]
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
    while page := [pk for pk, created in rows.filter(pk__gt=last)[:DELIVERIES] if created < before]:
        last = page[-1]
        yield page


def _prune_requests(before: datetime) -> int:
    return sum(IngestedRequest.objects.filter(pk__in=ids).delete()[0] for ids in _old_requests(before))
