"""The reasons that sending a delivery has become pointless since it was planned."""

from __future__ import annotations

from notifications_hub.actions.results import is_decided_since
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.reasons import ReasonCode


def pointless_reason(delivery: Delivery) -> ReasonCode | None:
    """Return the reason that sending has become pointless, or None."""
    notification, retracts = delivery.notification, delivery.is_retraction
    delivered = notification.delivered_at is not None and not delivery.escalation
    confirms = delivery.escalation > 0 and notification.awaits_confirmation
    unread = notification.unread or confirms
    is_over = notification.announcement is not None and notification.announcement.is_over
    reasons = {
        ReasonCode.DELIVERED_ALREADY: delivered and not retracts,
        ReasonCode.READ: not unread,
        ReasonCode.SNOOZED: notification.snoozed_until is not None,
        ReasonCode.ARCHIVED: notification.archived_at is not None,
        ReasonCode.DELETED: notification.deleted,
        ReasonCode.DECIDED: not retracts and not confirms and is_decided_since(notification, delivery.created),
        ReasonCode.ANNOUNCEMENT_OVER: is_over and not retracts,
        ReasonCode.PERSON_INACTIVE: not notification.recipient.is_active and not retracts,
    }
    return next((code for code, holds in reasons.items() if holds), None)
