"""Signals for a host's own code: what happened to notifications and to their deliveries.

Each is sent after the commit of the change, in the process and thread that committed it. A rolled-back change sends
nothing. A receiver that raises is logged, and stops neither the sender nor another receiver. If the process is killed
between the commit and the receivers, the signal is lost, so each is sent at most once. The rows stay the truth.

A signal without receivers costs nothing: its arguments are not collected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import models
from django.dispatch import Signal

from notifications_hub.database import transaction
from notifications_hub.delivery.models import DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason

notification_created = Signal()
"""`notifications`: the notifications that one `notify.send()` created: a tuple, or what it returns for followers."""

notification_delivered = Signal()
"""`recipients`: a dict from each notification's primary key to its recipient's. `method`: the delivery method that
reached the person first. `at`: the time."""

notification_read = Signal()
"""`recipients`: a dict from each notification's primary key to its recipient's. `at`: the time."""

notification_acknowledged = Signal()
"""People confirmed notifications that must be. `recipients` and `at`: as above. Confirming also reads, so
`notification_read` is sent for those that were unread."""

delivery_settled = Signal()
"""`deliveries`: a tuple of `SettledDelivery`, each sent, failed for good or cancelled."""


@dataclass(frozen=True, slots=True)
class SettledDelivery:
    """A delivery that came to its end. `state` is `"sent"`, `"failed"` or `"cancelled"`.

    `reason.code` is a stable code, such as `"accepted"`, `"read"` or `"gave_up"`. `str(reason)` puts it into words, in
    the active language.
    """

    notification_pk: int
    transport: str
    address: str
    state: DeliveryState
    reason: DeliveryReason
    at: datetime


def send_after_commit(signal: Signal, sender: type[models.Model], **arguments: Any) -> None:
    """Send a signal once the caller's transaction has committed. Ask `has_listeners` before collecting arguments."""
    transaction.on_commit(partial(signal.send_robust, sender=sender, **arguments), robust=True)
