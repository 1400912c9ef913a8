"""The wishes of the people of a batch: their quiet hours, and how often they want emails of each kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from notifications_hub.delivery.digest_choices import digest_of, digests_among
from notifications_hub.delivery.models import Delivery
from notifications_hub.kinds import Digest, kind_of
from notifications_hub.notification import Notification
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.models import stored_schedule
from notifications_hub.quiet_hours.schedules import default_schedule, stored_among
from notifications_hub.transports import declaration_of

Stored = Mapping[Any, Mapping[str, Any]]
Chosen = Mapping[tuple[Any, str], str]


@dataclass(frozen=True, slots=True)
class Wishes:
    """The schedules as they are stored, and the digests that people chose, by person and kind."""

    stored: Stored
    chosen: Chosen
    schedules: Mapping[Any, Schedule]
    quiet: Mapping[Any, datetime]
    """When the quiet hours end that hold now, by person."""

    def quiet_until(self, one: Delivery) -> datetime | None:
        """Return when the quiet hours end that hold a delivery back now, or None."""
        return self.quiet.get(one.notification.recipient_id) if declaration_of(one.transport).interrupts else None

    def digest(self, one: Delivery) -> Digest:
        """Return how often the person wants messages of the delivery's kind by its transport. No escalation waits."""
        if one.escalation or not declaration_of(one.transport).digests:
            return Digest.AT_ONCE
        row = one.notification
        return digest_of(kind_of(row.kind), self.chosen.get((row.recipient_id, row.kind)))

    def next_digest(self, row: Notification, digest: Digest) -> datetime:
        schedule = self.schedules.get(row.recipient_id) or default_schedule(row.recipient)
        return schedule.next_digest(digest, datetime.now(UTC))


def wishes_of(claimed: Iterable[Delivery]) -> Wishes:
    """Return the wishes of the recipients: at most a query for schedules, and one for digests, of a whole batch."""
    listed = [(one, declaration_of(one.transport)) for one in claimed]
    waiting = [one for one, declared in listed if declared.interrupts or declared.digests]
    digested = [one.notification for one, declared in listed if declared.digests]
    return _read({one.notification.recipient_id for one in waiting}, {(row.recipient_id, row.kind) for row in digested})


def changed_since(wishes: Wishes, held: Collection[Delivery]) -> set[Any]:
    """Return those of the recipients, by primary key, who wish something else by now."""
    now = wishes_of(held)
    return {one.notification.recipient_id for one in held if _about(one, now) != _about(one, wishes)}


def _about(one: Delivery, wishes: Wishes) -> tuple[Mapping[str, Any] | None, Digest]:
    return wishes.stored.get(one.notification.recipient_id), wishes.digest(one)


def _read(people: Collection[Any], kinds: Collection[tuple[Any, str]]) -> Wishes:
    stored = stored_among(people) if people else {}
    chosen = digests_among(*map(set, zip(*kinds, strict=True))) if kinds else {}
    parsed = {pk: schedule for pk, its in stored.items() if (schedule := stored_schedule(its)) is not None}
    now = datetime.now(UTC)
    quiet = {pk: until for pk, one in parsed.items() if (until := one.quiet_until(now)) is not None}
    return Wishes(stored, chosen, parsed, quiet)
