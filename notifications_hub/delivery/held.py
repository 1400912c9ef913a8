"""Deliveries that quiet hours hold back until they end, when one message sums up those of an address.

All of this is decided when a worker has claimed them, so a changed schedule, zone or clock takes effect. Those that
waited are claimed as a group. They share the lease and the outcome of the one whose message sums them up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from notifications_hub.conf import hub_settings
from notifications_hub.delivery import claiming
from notifications_hub.delivery.claiming import Outcome, Settled
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.sender import Result, Sending
from notifications_hub.delivery.summary import summed_up
from notifications_hub.kinds import Urgency
from notifications_hub.message import Message
from notifications_hub.notification import Notification
from notifications_hub.own_kinds import PushTest
from notifications_hub.quiet_hours.schedules import Quiet, changed_since, quiet_among, reconsider
from notifications_hub.transports import declaration_of

AT_ONCE = 500
"""The most deliveries of one address that one message sums up."""
LONGEST_DELAY = timedelta(hours=1)

QuietPeople = dict[Any, Quiet]


def quiet_people(claimed: Iterable[Delivery]) -> QuietPeople:
    """Return the people among the recipients whose quiet hours hold now. It takes one query for a batch."""
    people = {one.notification.recipient_id for one in claimed if declaration_of(one.transport).interrupts}
    return quiet_among(people) if people else {}


def with_their_groups(claimed: Sequence[Delivery], quiet: QuietPeople) -> list[Delivery]:
    """Return the batch with all that waited beside a delivery whose quiet hours are over.

    Leave out those that another worker sums up. Without any that waited, it takes no query.
    """
    released = [one for one in claimed if one.held_for_id is not None and one.held_for_id not in quiet]
    first = {_group(one): one for one in reversed(released)}
    apart = {one.pk for one in released}
    found = [one for one in claimed if one.pk not in apart]
    for one in first.values():
        found += claiming.claim_group(one, AT_ONCE)
    return found


def must_wait(one: Delivery, message: Message, quiet: QuietPeople) -> Outcome | None:
    """Return the outcome of a delivery that quiet hours hold back, or None. What is critical goes at once."""
    holding = quiet.get(one.notification.recipient_id)
    if holding is None or message.urgency is Urgency.CRITICAL or one.is_retraction:
        return None
    if _is_test(one.notification) or not declaration_of(one.transport).interrupts:
        return None
    now = datetime.now(UTC)
    delay = _delay_of(one, now)
    # To the minute, so that the same hold is one entry of the trail.
    until = holding.until.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    reason = DeliveryReason.of(ReasonCode.QUIET_HOURS, until=until, delay=int(delay.total_seconds()))
    wait = (holding.until - now + delay).total_seconds()
    return Outcome(state=DeliveryState.WAITING, reason=reason, retry_in=max(0.0, wait), attempted=False, held=True)


def _is_test(notification: Notification) -> bool:
    """Return whether the person has just sent it to themselves, to see it arrive."""
    announcement = notification.announcement
    return notification.kind == PushTest.name or (announcement is not None and announcement.is_test)


def held_until(one: Delivery) -> datetime | None:
    """Return when the quiet hours that last held the delivery back were to end. Its time to live begins then."""
    last = _last_hold(one)
    return None if last is None else datetime.strptime(str(last["until"]), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def _delay_of(one: Delivery, now: datetime) -> timedelta:
    """Return how long it waits after the quiet hours: as long as it waited before, for pages or for a push."""
    last = _last_hold(one)
    delay = timedelta(seconds=int(last["delay"])) if last else now - one.created
    return max(timedelta(seconds=hub_settings.ack_window), min(delay, LONGEST_DELAY))


def _last_hold(one: Delivery) -> dict[str, Any] | None:
    holds = (entry for entry in reversed(one.trail) if entry["reason"] == ReasonCode.QUIET_HOURS)
    return next((entry["parameters"] for entry in holds), None)


def _group(one: Delivery) -> tuple[Any, str, str]:
    return str(one.held_for_id), one.transport, one.address


class Groups:
    """The groups whose message is being sent, by the delivery that stands for all of them."""

    def __init__(self) -> None:
        self._members: dict[int, list[Delivery]] = {}

    def sum_up(self, jobs: Sequence[Sending]) -> list[Sending]:
        """Return the jobs, with one for each address in place of several that quiet hours had held back."""
        found = [job for job in jobs if job.delivery.held_for_id is None]
        waited = [job for job in jobs if job.delivery.held_for_id is not None]
        waited.sort(key=lambda job: (_group(job.delivery), job.delivery.pk))
        for _key, its in groupby(waited, key=lambda job: _group(job.delivery)):
            group = list(its)
            found.append(group[0] if len(group) == 1 else self._summed_up(group))
        return found

    def _summed_up(self, group: Sequence[Sending]) -> Sending:
        job = summed_up(group)
        self._members[job.delivery.pk] = [one.delivery for one in group if one.delivery.pk != job.delivery.pk]
        return job

    def expand(self, results: Iterable[Result]) -> Iterator[Result]:
        """Yield the results, and the same outcome for each that the message summed up."""
        for result in results:
            members = self._members.pop(result.settled.delivery.pk, None)
            if members is None:
                yield result
                continue
            *earlier, last = result.settled.outcomes
            one = result.settled.delivery
            summary = None
            if last.state is DeliveryState.SENT:
                last = replace(last, reason=DeliveryReason.of(ReasonCode.SUMMED_UP, number=len(members) + 1))
                summary = one.pk
            yield replace(result, settled=Settled(delivery=one, outcomes=[*earlier, last]))
            shared = replace(last, attempted=False, status=None, summary=summary)
            yield from (Result(settled=Settled(delivery=member, outcomes=[shared])) for member in members)


def summed_up_beside(one: Delivery) -> list[int]:
    """Return the notifications that the message of a delivery summed up, besides its own.

    A browser may report before the worker has recorded what it sent. Then they are those under the same lease.
    """
    if one.held_for_id is None:
        return []
    summed = Delivery.objects.filter(summary=one.pk).values_list("notification", flat=True)
    under_way = claiming.held_by(one).filter(claim=one.claim) if one.claim else Delivery.objects.none()
    return [*summed, *under_way.values_list("notification", flat=True)]


def look_again(quiet: QuietPeople) -> None:
    """Make due what was just held back for people who changed their schedule meanwhile. Call it once it is recorded."""
    if changed := changed_since(quiet):
        reconsider(changed)
