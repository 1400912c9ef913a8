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
    shown = [row for announcement, its in by_announcement(deliveries).items() for row in _shown(announcement, its)]
    if shown:
        mark_delivered({row.pk for row in shown}, DeliveryMethod.LIVE)
        for row in shown:
            row.delivered_at = datetime.now(UTC)
    return deliveries


def by_announcement(deliveries: Sequence[Delivery]) -> dict[Announcement, list[Delivery]]:
    """Group the deliveries of announcements, without retractions. Each has an instance of its person's row."""
    found: dict[Announcement, list[Delivery]] = {}
    for one in deliveries:
        if one.notification.announcement is not None and not one.is_retraction:
            found.setdefault(one.notification.announcement, []).append(one)
    return found


def _shown(announcement: Announcement, deliveries: Sequence[Delivery]) -> list[Notification]:
    rows = [one.notification for one in deliveries if one.notification.delivered_at is None]
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
