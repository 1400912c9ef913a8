"""Mark as delivered what a transport's other side has accepted, unless the transport confirms itself."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.delivery import arming
from notifications_hub.delivery.models import DeliveryState
from notifications_hub.delivery.sender import Result
from notifications_hub.transports import declaration_of

log = logging.getLogger(__name__)


def mark_accepted(results: Iterable[Result]) -> None:
    """Mark the notifications of accepted messages, in one batch for each transport.

    Call it before the outcomes are recorded. A worker killed in between then sends nothing again, because the claim
    that follows finds the notification delivered.
    """
    accepted: dict[str, list[int]] = defaultdict(list)
    for result in results:
        one = result.settled.delivery
        if result.settled.outcomes[-1].state is DeliveryState.SENT and not one.is_retraction:
            accepted[one.transport].append(one.notification_id)
    for name, notifications in accepted.items():
        if not declaration_of(name).confirms:
            _mark(notifications, name)


def _mark(notifications: list[int], name: str) -> None:
    try:
        arming.mark_delivered(notifications, name)
    except CONNECTION_ERRORS:
        raise
    except Exception:
        # Without a recorded outcome, all of them would be sent again.
        log.exception("%d notifications sent by %r cannot be marked as delivered", len(notifications), name)
