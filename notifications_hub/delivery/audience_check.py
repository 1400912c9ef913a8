"""The people who left an announcement's audience after their deliveries were planned. They get nothing."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence

from notifications_hub import audiences
from notifications_hub.database import transaction
from notifications_hub.delivery.claiming import Outcome, Settled
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.shown import by_announcement

RETRY_SECONDS = 60.0

log = logging.getLogger(__name__)


def leavers(deliveries: Sequence[Delivery]) -> Iterator[Settled]:
    """Yield an outcome for each delivery to a person who is not in the audience any more.

    If a host's audience raises, its deliveries wait: nobody may get what is no longer meant for them.
    """
    for announcement, its in by_announcement(deliveries).items():
        try:
            with transaction.atomic():
                people = {one.notification.recipient_id for one in its}
                members = set(
                    audiences.members(announcement.audience).filter(pk__in=people).values_list("pk", flat=True)
                )
        except Exception as error:
            # A host's query may raise anything, also what looks like a lost connection.
            log.exception("The audience %r cannot be read", announcement.audience)
            yield from _settled(its, _later(error))
        else:
            left = [one for one in its if one.notification.recipient_id not in members]
            yield from _settled(left, _never())


def _settled(deliveries: Collection[Delivery], outcome: Outcome) -> Iterator[Settled]:
    return (Settled(delivery=one, outcomes=[outcome]) for one in deliveries)


def _never() -> Outcome:
    return Outcome(state=DeliveryState.CANCELLED, reason=DeliveryReason(ReasonCode.LEFT_AUDIENCE), attempted=False)


def _later(error: Exception) -> Outcome:
    reason = DeliveryReason.of(ReasonCode.UNEXPECTED, error=type(error).__name__)
    return Outcome(state=DeliveryState.WAITING, reason=reason, retry_in=RETRY_SECONDS, attempted=False)
