"""The groups whose message is being sent: one job for each, and its outcome for all that the message sums up."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.delivery import claiming, group_claims
from notifications_hub.delivery.accepted import mark_accepted
from notifications_hub.delivery.audience_check import leavers
from notifications_hub.delivery.claiming import Outcome, Settled
from notifications_hub.delivery.group_claims import Group
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preparing import pointless_among
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.sender import Result, Sending
from notifications_hub.delivery.shown import mark_shown
from notifications_hub.delivery.summary import summed_up
from notifications_hub.quiet_hours.calendar import Schedule

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A group whose message is being sent, with those of its newest that the message names. `rest` are the others.

    Notifications with one group key that fall due together have no `group`: if sending fails, each is due again.
    """

    group: Group | None
    named: Sequence[Delivery]
    rest: int = 0

    @property
    def number(self) -> int:
        return len(self.named) + self.rest


class Groups:
    """The groups of a worker that are under way, by the delivery that stands for all of them."""

    def __init__(self) -> None:
        self._under_way: dict[int, _UnderWay] = {}
        self._ended: list[tuple[Group, Outcome]] = []

    def sum_up(
        self, groups: Sequence[Group], jobs: Sequence[Sending], schedules: Mapping[Any, Schedule]
    ) -> list[Sending]:
        """Return the jobs, with one for each group in place of those of its newest deliveries."""
        found = list(self._newest_of_keys([job for job in jobs if job.delivery.summary_id is None]))
        grouped = sorted((job for job in jobs if job.delivery.summary_id is not None), key=_order)
        by_name = {name: list(its) for name, its in groupby(grouped, key=lambda job: job.delivery.summary_id)}
        for group in groups:
            if its := by_name.get(group.name):
                schedule = schedules.get(its[0].delivery.notification.recipient_id)
                found.append(self._begun(group, its, schedule))
            elif group.rest:
                group_claims.give_back_rest(group)
        return found

    def _newest_of_keys(self, jobs: Sequence[Sending]) -> Iterator[Sending]:
        """Yield the jobs, and of those with one group key and address the newest, whose words are the group's."""
        by_key: dict[object, list[Sending]] = {}
        for job in jobs:
            by_key.setdefault(_group_key(job) or job.delivery.pk, []).append(job)
        for its in by_key.values():
            newest = max(its, key=_age)
            if len(its) > 1:
                self._under_way[newest.delivery.pk] = _UnderWay(None, [job.delivery for job in its])
            yield newest

    def _begun(self, group: Group, jobs: Sequence[Sending], schedule: Schedule | None) -> Sending:
        rest = _weeded(group) if group.rest else 0
        job = jobs[0] if len(jobs) + rest == 1 else summed_up(jobs, rest, schedule)
        self._under_way[job.delivery.pk] = _UnderWay(group, [one.delivery for one in jobs], rest)
        # A repeated message has the same name, also if less is left to say.
        return replace(job, message=replace(job.message, group=str(group.name)))

    def expand(self, results: Iterable[Result]) -> Iterator[Result]:
        """Yield the results, and the same outcome for each that the message named."""
        for result in results:
            one = result.settled.delivery
            under_way = self._under_way.pop(one.pk, None)
            if under_way is None:
                yield result
                continue
            *earlier, last = result.settled.outcomes
            last = _outcome(last, under_way)
            shared = replace(last, attempted=False, status=None)
            if last.state is DeliveryState.SENT:
                shared = replace(shared, summary=one.pk)
            if under_way.group is not None and under_way.rest:
                self._ended.append((under_way.group, shared))
            yield replace(result, settled=Settled(delivery=one, outcomes=[*earlier, last]))
            others = (member for member in under_way.named if member.pk != one.pk)
            yield from (Result(settled=Settled(delivery=member, outcomes=[shared])) for member in others)

    def record_rest(self) -> None:
        """Record the outcome of what messages have only counted.

        Call it before the outcomes of what they named are recorded. A killed worker's message is then the same again.
        """
        while self._ended:
            group, outcome = self._ended[-1]
            try:
                _record_rest(group, outcome)
            except CONNECTION_ERRORS:
                raise
            except Exception:
                log.exception("The rest of the summary %d cannot be recorded", group.name)
            self._ended.pop()


def _order(job: Sending) -> tuple[int, int]:
    return job.delivery.summary_id or 0, job.delivery.pk


def _group_key(job: Sending) -> object:
    """Return what the deliveries of a group to one address have in common, or None for one that goes by itself."""
    one = job.delivery
    if one.notification.group_key is None or one.escalation:
        return None
    return one.notification.recipient_id, one.notification.group_key, one.transport, one.address


def _age(job: Sending) -> tuple[datetime, int]:
    return job.delivery.notification.timestamp, job.delivery.notification_id


def _outcome(last: Outcome, under_way: _UnderWay) -> Outcome:
    """Return the outcome of a group's message. Its deliveries stay a group if it is sent again."""
    if last.state is DeliveryState.WAITING and under_way.group is not None:
        return replace(last, summary=under_way.group.name)
    if last.state is DeliveryState.SENT and under_way.number > 1:
        return replace(last, reason=DeliveryReason.of(ReasonCode.SUMMED_UP, number=under_way.number))
    return last


def _weeded(group: Group) -> int:
    """Cancel what is pointless among those of a group that were not loaded. Return the number of the others."""
    left = 0
    for chunk in group_claims.rest_of(group):
        announced = mark_shown([one for one in chunk if one.rollout_id is not None])
        settled = {one.delivery.pk: one for one in leavers(announced)}
        settled |= {one.delivery.pk: one for one in pointless_among([one for one in chunk if one.pk not in settled])}
        claiming.record(list(settled.values()))
        left += len(chunk) - len(settled)
    return left


def _record_rest(group: Group, outcome: Outcome) -> None:
    for chunk in group_claims.rest_of(group):
        results = [Result(settled=Settled(delivery=one, outcomes=[outcome])) for one in chunk]
        mark_accepted(results)
        claiming.record([result.settled for result in results])


def summed_up_beside(one: Delivery) -> list[int]:
    """Return the notifications that the message of a delivery summed up, besides its own.

    A browser may report before the worker has recorded what it sent. Then they are those of the same group.
    """
    name = one.summary_id if one.state == DeliveryState.WAITING else one.pk
    is_alone = one.held_for_id is None and one.notification.group_key is None
    if is_alone or name is None:
        return []
    beside = Delivery.objects.filter(summary=name).exclude(pk=one.pk)
    return list(beside.exclude(state=DeliveryState.CANCELLED).values_list("notification", flat=True))
