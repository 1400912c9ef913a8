"""The section of the preferences page about emails: the address, and why it was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from notifications_hub.transports import get_transport
from notifications_hub.transports.address_lookup import usable_transports
from notifications_hub.transports.email.models import StoppedEmail, email_of, normalized
from notifications_hub.transports.email.recipients import is_valid
from notifications_hub.transports.email.transport import Email
from notifications_hub.users import Person


@dataclass(frozen=True, slots=True)
class EmailSection:
    """A person's email address, empty if they have none. `stopped` says why it gets no emails."""

    address: str
    stopped: str = ""


def section(person: Person) -> EmailSection | None:
    """Return the section, or None on a site that sends no emails. It takes one query."""
    if not sends_emails():
        return None
    address = email_of(person)
    if not is_valid(address):
        return EmailSection("")
    row = StoppedEmail.objects.filter(address=normalized(address)).first()
    return EmailSection(address, row.get_reason_display() if row else "")


def resume(person: Person) -> bool:
    """Send emails to a person's address again. Return whether they were stopped."""
    deleted, _rows = StoppedEmail.objects.filter(address=normalized(email_of(person))).delete()
    return deleted > 0


def sends_emails() -> bool:
    """Return whether a transport of this site is the hub's own for emails."""
    return any(isinstance(transport, Email) for transport in _transports())


def _transports() -> Iterator[object]:
    for name in usable_transports():
        yield get_transport(name)
