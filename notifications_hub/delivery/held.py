"""Deliveries that wait for the end of quiet hours or for a digest, when one message sums up those of an address.

All of this is decided when a worker has claimed them. A changed schedule, zone or choice takes effect, because it moves
what waits (`quiet_hours.schedules.reconsider`). What has waited and falls due is sent, unless quiet hours hold now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from notifications_hub.conf import hub_settings
from notifications_hub.delivery import group_claims
from notifications_hub.delivery.claiming import Outcome
from notifications_hub.delivery.group_claims import Group
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.wishes import Wishes, changed_since
from notifications_hub.kinds import Digest, Urgency
from notifications_hub.message import Message
from notifications_hub.notification import Notification
from notifications_hub.own_kinds import PushTest
from notifications_hub.quiet_hours.schedules import WAITS, in_minutes, reconsider, until_digest

LONGEST_DELAY = timedelta(hours=1)
LONGEST_HOLD = timedelta(days=14)


def split(claimed: Sequence[Delivery], wishes: Wishes) -> tuple[list[Delivery], list[Group]]:
    """Return what goes by itself, or has to wait, and the groups of what has waited long enough.

    Leave out what another worker sums up. Without any that waited, it takes no query.
    """
    released = [one for one in claimed if one.held_for_id is not None and wishes.quiet_until(one) is None]
    apart = {one.pk for one in released}
    return [one for one in claimed if one.pk not in apart], group_claims.claim_groups(released)


def must_wait(one: Delivery, message: Message, wishes: Wishes) -> Outcome | None:
    """Return the outcome of a delivery that has to wait, or None. What is critical goes at once."""
    if message.urgency is Urgency.CRITICAL or one.is_retraction or _is_test(one.notification):
        return None
    digest = wishes.digest(one)
    # One that was tried may have arrived, so it goes on by itself.
    if digest is not Digest.AT_ONCE and one.held_for_id is None and not one.attempts:
        at = wishes.next_digest(one.notification, digest)
        return _waits(one, until_digest(digest, at), at - datetime.now(UTC))
    until = wishes.quiet_until(one)
    if until is None:
        return None
    now = datetime.now(UTC)
    delay = _delay_of(one, now)
    # To the minute, so that the same hold is one entry of the trail.
    reason = DeliveryReason.of(ReasonCode.QUIET_HOURS, until=in_minutes(until), delay=int(delay.total_seconds()))
    # The end of a pause moves only so many deliveries, so the others are looked at again in between.
    return _waits(one, reason, min(until - now + delay, LONGEST_HOLD))


def _waits(one: Delivery, reason: DeliveryReason, wait: timedelta) -> Outcome:
    return Outcome(
        state=DeliveryState.WAITING,
        reason=reason,
        retry_in=max(0.0, wait.total_seconds()),
        attempted=False,
        held=True,
        summary=one.summary_id,
    )


def _is_test(notification: Notification) -> bool:
    """Return whether the person has just sent it to themselves, to see it arrive."""
    announcement = notification.announcement
    return notification.kind == PushTest.name or (announcement is not None and announcement.is_test)


def held_until(one: Delivery) -> datetime | None:
    """Return until when the delivery had to wait at last. Its time to live begins then."""
    # A change of the person's wishes moves what waits, and leaves its trail as it is.
    if one.reason in WAITS:
        until = one.reason_parameters["until"]
    elif last := _last_wait(one):
        until = last["parameters"]["until"]
    else:
        return None
    return datetime.strptime(str(until), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def _delay_of(one: Delivery, now: datetime) -> timedelta:
    """Return how long it waits after the quiet hours: as long as it waited before, for pages or for a push."""
    last, window = _last_wait(one), timedelta(seconds=hub_settings.ack_window)
    if last is None:
        return max(window, min(now - one.created, LONGEST_DELAY))
    return max(window, min(timedelta(seconds=int(last["parameters"].get("delay", 0))), LONGEST_DELAY))


def _last_wait(one: Delivery) -> dict[str, Any] | None:
    return next((entry for entry in reversed(one.trail) if entry["reason"] in WAITS), None)


def look_again(wishes: Wishes, held: Collection[Delivery]) -> None:
    """Move what was just held back for people who changed their wishes meanwhile. Call it once it is recorded."""
    if changed := changed_since(wishes, held):
        reconsider(changed)
