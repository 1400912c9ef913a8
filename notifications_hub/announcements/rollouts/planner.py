"""Plan a rollout's deliveries, a chunk of people at a time, when workers have free slots.

A step is one transaction: the people's rows, their deliveries and the new position. A worker killed anywhere leaves the
step done or not begun. A lock on the rollout lets one worker at a time take its next step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import models
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import KIND
from notifications_hub.announcements.rollouts import retraction
from notifications_hub.announcements.rollouts.models import Rollout, RolloutState
from notifications_hub.announcements.rollouts.people import Choice, choose, count_people, next_page
from notifications_hub.announcements.rollouts.rows import insert_deliveries, rows_of
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.delivery import bulk, worker_life
from notifications_hub.delivery.arming import cancel
from notifications_hub.delivery.bulk import Begin, Counts, Planned
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import LONGEST_TEXT, DeliveryReason, ReasonCode
from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.kinds import kind_of
from notifications_hub.streams.sweeper import Isolation
from notifications_hub.transports import delay_of
from notifications_hub.transports.address_lookup import find_addresses, usable_transports
from notifications_hub.web.text import storable

CHUNK = 500
"""People that one step looks at. The step locks the rollout for some milliseconds."""
PLAN_SECONDS = 0.1
"""The most that a worker's turn spends on steps, because other notifications wait for it meanwhile."""

_isolation: Isolation[int] = Isolation(longest=60.0)
_watching: Isolation[str] = Isolation(longest=60.0)
_watch = worker_life.Watch()


def begin(announcement: Announcement) -> None:
    """Create the rollouts of an announcement, in the caller's transaction. Each waits for the methods before it."""
    wanted = [name for name in usable_transports() if announcement.methods is None or name in announcement.methods]
    Rollout.objects.bulk_create(
        [Rollout(announcement=announcement, transport=name, starts_at=_start_of(name)) for name in wanted]
    )
    if wanted:
        transaction.on_commit(partial(wake_worker, hub_settings.ack_window), robust=True)


def restart_window(announcement_pk: int) -> None:
    """Give open pages and earlier transports their time from now on, after a long transaction."""
    for name in usable_transports():
        its = Rollout.objects.open().filter(announcement=announcement_pk, transport=name)
        its.update(starts_at=_start_of(name))


def _start_of(transport: str) -> Any:
    return Now() + timedelta(seconds=delay_of(transport, kind_of(KIND)))


class RolloutPlanner:
    """The planner that workers ask."""

    def plan_more(self, wanted: int, begin: Begin) -> Planned:
        # Most turns of a worker end here.
        if not self.has_work():
            return Planned()
        until = time.monotonic() + PLAN_SECONDS
        active = list(Rollout.objects.active().annotate(**_CLOCK).select_related("announcement").order_by("pk"))
        _take_over()
        claimable, running, begun, more = [], [], 0, False
        for rollout in active:
            if _is_stopped(rollout):
                with _isolation.guard(rollout.pk, f"Rollout {rollout.pk}"):
                    more |= _cancel_some(rollout)
            elif rollout.is_begun or rollout.starts_at <= rollout.clock:
                running.append(rollout)
        for others, rollout in zip(range(len(running), 0, -1), running, strict=True):
            share = math.ceil((wanted - begun) / others)
            due = _count_due(rollout, share)
            # What is planned is claimed even while planning more fails: an audience is looked at again at the claim.
            if due < share and rollout.pk not in _isolation.resting():
                planned, held = _plan_until(until, rollout, share - due, begin)
                begun += held
                more |= due + planned < share and time.monotonic() >= until
                due += planned - held
            if due:
                claimable.append(rollout.pk)
        return Planned(claimable, begun, more)

    def has_work(self) -> bool:
        return Rollout.objects.active().exists()

    def count(self, settled: Mapping[int, Counts]) -> None:
        # In one order, so that two workers cannot deadlock.
        for pk, counts in sorted(settled.items()):
            sent, failed = counts.get(DeliveryState.SENT, 0), counts.get(DeliveryState.FAILED, 0)
            Rollout.objects.filter(pk=pk).move(sent=F("sent") + sent, failed=F("failed") + failed)


def _take_over() -> None:
    """Make due what killed workers held, also of rollouts that are paused."""
    with _watching.guard("watch", "The look at other workers"):
        for name, count in _watch.gone().items():
            worker_life.take_over(name, count, list(Rollout.objects.open().values_list("pk", flat=True)))


@contextmanager
def _problem_kept(rollout: Rollout) -> Iterator[None]:
    """Store what a block raises, for admins. It may be a host's audience or transport."""
    try:
        yield
    except Exception as error:
        problem = storable(f"{type(error).__name__}: {error}", LONGEST_TEXT)
        # A host's query that fails may raise one too, while the database can be reached.
        with suppress(*CONNECTION_ERRORS):
            Rollout.objects.filter(pk=rollout.pk).move(problem=problem)
        raise


def _is_stopped(rollout: Rollout) -> bool:
    """Return whether no more is to be sent, as also once the announcement is over."""
    if rollout.announcement.is_over and not rollout.is_retraction and rollout.state != RolloutState.STOPPED:
        Rollout.objects.open().filter(pk=rollout.pk).move(state=RolloutState.STOPPED)
        return True
    return rollout.state == RolloutState.STOPPED


def _count_due(rollout: Rollout, most: int) -> int:
    return len(_waiting(rollout).filter(due_at__lte=Now())[:most])


def _plan_until(until: float, rollout: Rollout, wanted: int, begin: Begin) -> tuple[int, int]:
    """Take steps, at least one. Return how many deliveries they planned, and how many of these were begun.

    Most people may be outside the audience. What a step claimed is begun before the next one, which may be slow.
    """
    planned = begun = 0
    # Few people are outside most audiences, so that the first step mostly finds as many as are wanted.
    people = min(CHUNK, wanted)
    while planned < wanted and rollout.planned_at is None:
        step = _guarded_step(rollout, people, wanted - planned)
        if step is None:
            break
        planned += step.planned
        begun += begin(step.claimed)
        people = CHUNK
        if time.monotonic() >= until:
            break
    if not planned and rollout.pk not in _isolation.resting():
        with _isolation.guard(rollout.pk, f"Rollout {rollout.pk}"):
            _finish_if_settled(rollout)
    return planned, begun


def _waiting(rollout: Rollout) -> models.QuerySet[Delivery, int]:
    # In the order of their index. Without it PostgreSQL may read the whole table.
    waiting = Delivery.objects.filter(rollout=rollout.pk, state=DeliveryState.WAITING)
    return waiting.order_by("due_at").values_list("pk", flat=True)


# A step

# Its name is an attribute that the model declares, so the type checker must not see it as a new one.
_CLOCK: Mapping[str, Now] = {"clock": Now()}


@dataclass(frozen=True, slots=True)
class Step:
    """The number of deliveries that are planned, and those of them that this worker holds from the beginning."""

    planned: int = 0
    claimed: Sequence[Delivery] = ()


def _guarded_step(known: Rollout, people: int, claims: int) -> Step | None:
    """Take a step. Return None if there is nothing to plan now, or if it failed."""
    step = None
    with _isolation.guard(known.pk, f"Rollout {known.pk}"), _problem_kept(known):
        step = _step(known, people, claims)
    return step  # noqa: RET504 -- the guard may have kept an error


def _step(known: Rollout, people: int, claims: int) -> Step | None:
    """Plan the deliveries of the next people, and claim some. Return None if there is nothing to plan now."""
    if not (known.is_begun or known.is_retraction):
        # It counts all people. Nobody may take this process for gone meanwhile.
        worker_life.leave()
    elif claims:
        # What it claims is another's to take over if it has not counted.
        worker_life.beat()
    with transaction.atomic():
        wanted = Rollout.objects.plannable().filter(pk=known.pk).select_related("announcement")
        rollout = wanted.annotate(**_CLOCK).select_for_update(skip_locked=True, of=("self",)).first()
        if rollout is None:
            return None
        rollout.problem, rollout.moved = "", True
        if rollout.is_retraction:
            retracted = retraction.plan_step(rollout, CHUNK)
            step = None if retracted is None else Step(retracted)
        else:
            step = _plan_step(rollout, people, claims)
            known.people = rollout.people
        # An engine that runs the worker as a task needs a next one.
        transaction.on_commit(partial(wake_worker, 1.0), robust=True)
    return step


def _plan_step(rollout: Rollout, people: int, claims: int) -> Step:
    # Before the lease of a claim begins.
    if rollout.people is None:
        rollout.people = count_people(rollout)
    page = next_page(rollout, people)
    choice = choose(rollout, page.members)
    step = _plan(rollout, choice, claims)
    rollout.position = page.last
    rollout.looked_at += page.looked_at
    rollout.shown += choice.shown
    rollout.unwanted += choice.unwanted
    rollout.planned += step.planned
    rollout.planned_at = None if page.looked_at else timezone.now()
    rollout.save()
    return step


def _plan(rollout: Rollout, choice: Choice, claims: int) -> Step:
    addresses = find_addresses(rollout.transport, choice.people) if choice.people else {}
    rows = rows_of(rollout.announcement, choice, addresses.keys()) if addresses else []
    planned = [
        (row, address) for row in rows for address in dict.fromkeys(one[:255] for one in addresses[row.recipient_id])
    ]
    return Step(len(planned), insert_deliveries(rollout, planned, claims) if planned else ())


# The end


def _finish_if_settled(rollout: Rollout) -> None:
    ended = Rollout.objects.open().filter(pk=rollout.pk, planned_at__isnull=False)
    if _waiting(rollout).first() is None:
        with transaction.atomic():
            if ended.move(state=RolloutState.DONE, finished_at=timezone.now()) and rollout.is_retraction:
                retraction.record_end(rollout)


def _cancel_some(rollout: Rollout) -> bool:
    """Cancel deliveries of a stopped rollout that no worker holds. It is finished once none waits.

    Return whether there may be more.
    """
    why = ReasonCode.ANNOUNCEMENT_OVER if rollout.announcement.is_over else ReasonCode.STOPPED
    free = _waiting(rollout).filter(models.Q(claim=None) | models.Q(due_at__lte=Now()))
    with transaction.atomic():
        some = list(free.select_for_update(no_key=True, skip_locked=True)[:CHUNK])
        retraction.take_back(rollout, some)
        cancel(some, DeliveryReason.of(why))
    if _waiting(rollout).first() is None:
        Rollout.objects.open().filter(pk=rollout.pk).move(finished_at=timezone.now())
    return len(some) == CHUNK


bulk.use_planner(RolloutPlanner())
