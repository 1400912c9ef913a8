"""Plan a rollout's deliveries, a chunk of people at a time, when workers have free slots.

A step is one transaction: the people's rows, their deliveries and the new position. A worker killed anywhere leaves the
step done or not begun. A lock on the rollout lets one worker at a time take its next step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import models
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from notifications_hub.announcements.models import KIND, Announcement
from notifications_hub.announcements.rollouts.models import Rollout, RolloutState
from notifications_hub.announcements.rollouts.people import Choice, choose, count_people, next_page
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.delivery import bulk
from notifications_hub.delivery.bulk import Counts
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import LONGEST_TEXT, ReasonCode
from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.streams.sweeper import Isolation
from notifications_hub.transports.address_lookup import find_addresses, usable_transports
from notifications_hub.web.text import storable

CHUNK = 500
"""People that one step looks at. The step locks the rollout for some milliseconds."""

_isolation: Isolation[int] = Isolation(longest=60.0)


def begin(announcement: Announcement) -> None:
    """Create the rollouts of an announcement, in the caller's transaction. Open pages get their time to show it."""
    starts_at = Now() + timedelta(seconds=hub_settings.ack_window)
    wanted = [name for name in usable_transports() if announcement.methods is None or name in announcement.methods]
    Rollout.objects.bulk_create(
        [Rollout(announcement=announcement, transport=name, starts_at=starts_at) for name in wanted]
    )
    if wanted:
        transaction.on_commit(partial(wake_worker, hub_settings.ack_window), robust=True)


class RolloutPlanner:
    """The planner that workers ask."""

    def plan_more(self, wanted: int) -> list[int]:
        claimable = []
        for rollout in Rollout.objects.open().select_related("announcement").order_by("pk"):
            if rollout.pk in _isolation.resting():
                continue
            with _isolation.guard(rollout.pk, f"Rollout {rollout.pk}"), _problem_kept(rollout):
                if _due(rollout, wanted):
                    claimable.append(rollout.pk)
        return claimable

    def count(self, settled: Mapping[int, Counts]) -> None:
        # In one order, so that two workers cannot deadlock.
        for pk, counts in sorted(settled.items()):
            sent, failed = counts.get(DeliveryState.SENT, 0), counts.get(DeliveryState.FAILED, 0)
            Rollout.objects.filter(pk=pk).move(sent=F("sent") + sent, failed=F("failed") + failed)


@contextmanager
def _problem_kept(rollout: Rollout) -> Iterator[None]:
    """Store what a block raises, for admins. It may be a host's audience or transport."""
    try:
        yield
    except CONNECTION_ERRORS:
        raise
    except Exception as error:
        problem = storable(f"{type(error).__name__}: {error}", LONGEST_TEXT)
        Rollout.objects.filter(pk=rollout.pk).move(problem=problem)
        raise


def _due(rollout: Rollout, wanted: int) -> int:
    """Return how many of its deliveries are due, after planning more if they are few."""
    if rollout.announcement.is_over and rollout.state != RolloutState.STOPPED:
        Rollout.objects.open().filter(pk=rollout.pk).move(state=RolloutState.STOPPED)
        rollout.state = RolloutState.STOPPED
    if rollout.state == RolloutState.PAUSED:
        return 0
    if rollout.state == RolloutState.STOPPED:
        _cancel_some(rollout)
        return 0
    due = len(_waiting(rollout).filter(due_at__lte=Now()).order_by("due_at").values_list("pk")[:wanted])
    if due < wanted:
        due += _step(rollout.pk) if rollout.planned_at is None else 0
        _finish_if_settled(rollout)
    return due


def _waiting(rollout: Rollout) -> models.QuerySet[Delivery]:
    return Delivery.objects.filter(rollout=rollout.pk, state=DeliveryState.WAITING)


# A step


def _step(pk: int) -> int:
    """Plan the deliveries of the next people, and return how many. 0 if another worker does, or it is not time."""
    with transaction.atomic():
        wanted = Rollout.objects.plannable().filter(pk=pk).select_related("announcement")
        rollout = wanted.select_for_update(skip_locked=True, of=("self",)).first()
        if rollout is None:
            return 0
        page = next_page(rollout, CHUNK)
        choice = choose(rollout, page.members)
        planned = _plan(rollout, choice)
        if rollout.people is None:
            rollout.people = count_people(rollout)
        rollout.position = page.last
        rollout.looked_at += page.looked_at
        rollout.shown += choice.shown
        rollout.unwanted += choice.unwanted
        rollout.planned += planned
        rollout.planned_at = None if page.looked_at else timezone.now()
        rollout.problem, rollout.moved = "", True
        rollout.save()
        # An engine that runs the worker as a task needs a next one.
        transaction.on_commit(partial(wake_worker, 1.0), robust=True)
    return planned


def _plan(rollout: Rollout, choice: Choice) -> int:
    addresses = find_addresses(rollout.transport, choice.people) if choice.people else {}
    rows = _rows_of(rollout.announcement, choice, addresses.keys()) if addresses else {}
    deliveries = [
        Delivery(
            notification_id=rows[pk], transport=rollout.transport, address=address[:255], rollout=rollout, due_at=Now()
        )
        for pk, its in addresses.items()
        if pk in rows
        for address in dict.fromkeys(its)
    ]
    Delivery.objects.bulk_create(deliveries, batch_size=1000, ignore_conflicts=True)
    return len(deliveries)


def _rows_of(announcement: Announcement, choice: Choice, people: Any) -> dict[Any, int]:
    """Return the row of each person that is still undelivered and unread, created if it is missing."""
    at = announcement.announced_at or timezone.now()
    rows = [_row(announcement, pk, choice.methods[pk], at) for pk in sorted(people)]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    waiting = Notification.objects.visible().unread().filter(announcement=announcement, recipient__in=people)
    return dict(waiting.filter(delivered_at=None, archived_at=None).values_list("recipient", "pk"))


def _row(announcement: Announcement, person_pk: Any, methods: frozenset[str], at: datetime) -> Notification:
    return Notification(
        recipient_id=person_pk,
        announcement=announcement,
        kind=KIND,
        level=announcement.level,
        verb=KIND,
        timestamp=at,
        committed_at=at,
        toast=DeliveryMethod.LIVE in methods,
        flash=DeliveryMethod.FLASH in methods,
    )


# The end


def _finish_if_settled(rollout: Rollout) -> None:
    ended = Rollout.objects.open().filter(pk=rollout.pk, planned_at__isnull=False)
    if not _waiting(rollout).exists():
        ended.move(state=RolloutState.DONE, finished_at=timezone.now())


def _cancel_some(rollout: Rollout) -> None:
    """Cancel deliveries of a stopped rollout that no worker holds. It is finished once none waits."""
    free = _waiting(rollout).filter(models.Q(claim=None) | models.Q(due_at__lte=Now()))
    why = ReasonCode.ANNOUNCEMENT_OVER if rollout.announcement.is_over else ReasonCode.STOPPED
    with transaction.atomic():
        some = free.order_by("pk").select_for_update(no_key=True, skip_locked=True)
        pks = list(some.values_list("pk", flat=True)[:CHUNK])
        Delivery.objects.filter(pk__in=pks).update(
            state=DeliveryState.CANCELLED, claim=None, reason=why, reason_parameters={}, settled_at=timezone.now()
        )
    if not _waiting(rollout).exists():
        Rollout.objects.open().filter(pk=rollout.pk).move(finished_at=timezone.now())


bulk.use_planner(RolloutPlanner())
