"""Removal of old data: settled deliveries, ended jobs, and the beginning of each topic's log.

It runs in small transactions over many topics each, so that neither a million inboxes nor a very long log blocks the
site. If it is killed half-way, the next run does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from notifications_hub.announcements.models import Announcement
from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.jobs.models import Job
from notifications_hub.streams.models import Event, Stream, prune_many

CHUNK = 1000
TOPICS = 200
EVENTS = 500
"""The most events of one topic in one transaction."""


@dataclass(frozen=True, slots=True)
class Pruned:
    deliveries: int
    events: int
    topics: int
    jobs: int


def prune(before: datetime) -> Pruned:
    """Remove deliveries settled, jobs ended and events logged before a moment."""
    Announcement.objects.record_numbers()
    deliveries = _prune_deliveries(before)
    jobs = _prune_jobs(before)
    events = topics = 0
    for some in _pages():
        events += _prune_streams(some, before)
        topics += len(some)
    return Pruned(deliveries, events, topics, jobs)


def prunable(before: datetime) -> Pruned:
    """Count the rows that `prune` would remove."""
    events = topics = 0
    for some in _pages():
        through = _through(some, before).values_list("through", "pruned_through")
        events += sum(max(0, to - done) for to, done in through)
        topics += len(some)
    return Pruned(_old_deliveries(before).count(), events, topics, _old_jobs(before).count())


def _old_deliveries(before: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(settled_at__lt=before).exclude(state=DeliveryState.WAITING)


def _prune_deliveries(before: datetime) -> int:
    removed = last = 0
    while ids := list(_old_deliveries(before).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        removed += Delivery.objects.filter(pk__in=ids).delete()[0]
        last = ids[-1]
    return removed


def _old_jobs(before: datetime) -> QuerySet[Job]:
    """Return old jobs without their parts, which are removed with their parent."""
    return Job.objects.filter(ended_at__lt=before, parent=None)


def _prune_jobs(before: datetime) -> int:
    removed = 0
    while jobs := list(_old_jobs(before).order_by("ended_at").values_list("pk", flat=True)[:TOPICS]):
        with transaction.atomic():
            Job.objects.filter(pk__in=jobs).delete()
        removed += len(jobs)
    return removed


def _pages() -> list[list[int]]:
    """Return the ids of streams with events, in pages. They ascend, in the order in which all code locks streams."""
    ids = list(Stream.objects.filter(top__gt=F("pruned_through")).order_by("pk").values_list("pk", flat=True))
    return list(chunks(ids, TOPICS))


def _prune_streams(some: list[int], before: datetime) -> int:
    return sum(iter(lambda: _prune_some(some, before), 0))


def _prune_some(some: list[int], before: datetime) -> int:
    old = _through(some, before).filter(through__gt=F("pruned_through"))
    prefixes = old.values_list("topic", "through", "pruned_through")
    return prune_many({topic: min(through, done + EVENTS) for topic, through, done in prefixes})


def _through(some: list[int], before: datetime) -> QuerySet[Any]:
    """Return streams with `through`, the number before the first event young enough to stay, else the top."""
    young = Event.objects.filter(topic=OuterRef("topic"), seq__gt=OuterRef("pruned_through"), created__gte=before)
    first = Subquery(young.order_by("seq").values("seq")[:1])
    last_old = ExpressionWrapper(first - 1, output_field=BigIntegerField())
    return Stream.objects.filter(pk__in=some).annotate(through=Coalesce(last_old, F("top")))
