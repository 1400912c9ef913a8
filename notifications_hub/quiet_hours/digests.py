"""Store how often a person gets emails of each kind, and bring a digest forward."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models.functions import Now

from notifications_hub.database import transaction
from notifications_hub.delivery.digest_choices import choose_digest
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.kinds import Digest
from notifications_hub.quiet_hours.schedules import look_again_at
from notifications_hub.transports import declaration_of, transport_names
from notifications_hub.users import Person


def save_digests(person: Person, chosen: Mapping[str, Digest | None]) -> None:
    """Store choices by the name of a kind, and move what waits. None: the kind's default. Raise `UnknownKind`."""
    with transaction.atomic():
        for kind, digest in chosen.items():
            choose_digest(person, kind, digest)
        if chosen:
            look_again_at(person.pk)


def bring_forward(person: Person) -> int:
    """Let one digest sum up at once what waits to be emailed to a person, as an example. Return the number."""
    names = [name for name in transport_names() if declaration_of(name).digests]
    waiting = Delivery.objects.filter(notification__recipient=person.pk, transport__in=names, attempts=0, claim=None)
    return waiting.filter(state=DeliveryState.WAITING).update(held_for=person.pk, due_at=Now())
