"""The people whose open pages have shown an announcement. Their acknowledgements are ranges, so no row says it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from notifications_hub.announcements.models import Announcement
from notifications_hub.delivery.arming import mark_delivered
from notifications_hub.delivery.models import DeliveredThrough, Delivery
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification


def mark_shown(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Mark the notifications of announcements that a page showed meanwhile, on the instances too. Return them all.

    A rollout may have made the row before the page acknowledged.
    """
    shown = [row for announcement, rows in _by_announcement(deliveries).items() for row in _shown(announcement, rows)]
    if shown:
        mark_delivered({row.pk for row in shown}, DeliveryMethod.LIVE)
        for row in shown:
            row.delivered_at = datetime.now(UTC)
    return deliveries


def _by_announcement(deliveries: Sequence[Delivery]) -> dict[Announcement, list[Notification]]:
    """Return the undelivered rows of each announcement. A person with several deliveries has as many instances."""
    found: dict[Announcement, list[Notification]] = {}
    for one in deliveries:
        row = one.notification
        if row.announcement is not None and row.delivered_at is None:
            found.setdefault(row.announcement, []).append(row)
    return found


def _shown(announcement: Announcement, rows: Sequence[Notification]) -> list[Notification]:
    people = shown_to(announcement, {row.recipient_id for row in rows})
    return [row for row in rows if row.recipient_id in people]


def shown_to(announcement: Announcement, people: Collection[Any]) -> set[Any]:
    """Return those of the people whose open page showed the announcement."""
    if not announcement.has_toast():
        return set()
    through = DeliveredThrough.objects.filter(
        person__in=people, topic=announcement.audience, start__lt=announcement.seq, seq__gte=announcement.seq
    )
    return set(through.values_list("person", flat=True))
