"""The people to whom a worker is about to send emails, loaded for a whole batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from notifications_hub.transports.email.models import StoppedEmail, email_of, normalized, people_with_email


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person with the address that they have now."""

    pk: Any
    address: str


def usable_recipients(people: Collection[Any]) -> Mapping[str, Recipient]:
    """Map primary keys of people, as text, to those with a valid address that was not stopped. Two queries."""
    having = people_with_email().filter(pk__in=people)
    found = [Recipient(person.pk, address) for person in having if is_valid(address := email_of(person))]
    addresses = {normalized(one.address) for one in found}
    stopped = set(StoppedEmail.objects.filter(address__in=addresses).values_list("address", flat=True))
    return {str(one.pk): one for one in found if normalized(one.address) not in stopped}


def is_valid(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True
