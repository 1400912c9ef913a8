"""The emails among captured deliveries, made by their templates."""

from __future__ import annotations

from collections.abc import Iterable

from notifications_hub.kinds import DeliveryMethod
from notifications_hub.testing.captured_rows import CapturedDelivery, CapturedEmail
from notifications_hub.transports import get_transport, transport_names
from notifications_hub.transports.email.models import email_of
from notifications_hub.transports.email.recipients import Recipient
from notifications_hub.transports.email.transport import Email


def emails_in(deliveries: Iterable[CapturedDelivery]) -> list[CapturedEmail]:
    """Return the emails that will be sent, or were."""
    found = []
    for one in deliveries:
        transport = get_transport(one.method) if one.method in transport_names() else None
        if one.is_on and isinstance(transport, Email):
            found.append(_composed(one, transport))
        elif one.is_on and one.method == DeliveryMethod.EMAIL:
            found.append(_plain(one))
    return found


def _composed(delivery: CapturedDelivery, transport: Email) -> CapturedEmail:
    recipient = Recipient(delivery.person.pk, email_of(delivery.person))
    email = transport.compose(delivery.message, recipient)
    return CapturedEmail(
        person=delivery.person,
        address=recipient.address,
        subject=str(email.subject),
        text=str(email.body),
        html=next((str(part[0]) for part in email.alternatives if part[1] == "text/html"), ""),
        headers=dict(email.extra_headers),
        message=delivery.message,
    )


def _plain(delivery: CapturedDelivery) -> CapturedEmail:
    return CapturedEmail(
        person=delivery.person,
        address=delivery.address,
        subject=delivery.message.title,
        text=delivery.message.body,
        html="",
        headers={},
        message=delivery.message,
    )
