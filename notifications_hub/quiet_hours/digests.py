"""Store how often a person gets emails of each kind."""

from __future__ import annotations

from collections.abc import Mapping

from notifications_hub.database import transaction
from notifications_hub.delivery.digest_choices import choose_digest
from notifications_hub.kinds import Digest
from notifications_hub.quiet_hours.schedules import look_again_at
from notifications_hub.users import Person


def save_digests(person: Person, chosen: Mapping[str, Digest | None]) -> None:
    """Store choices by the name of a kind, and move what waits. None: the kind's default. Raise `UnknownKind`."""
    with transaction.atomic():
        for kind, digest in chosen.items():
            choose_digest(person, kind, digest)
        if chosen:
            look_again_at(person.pk)
