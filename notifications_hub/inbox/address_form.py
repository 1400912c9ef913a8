"""The section of the preferences page with a person's own addresses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from notifications_hub.delivery.reasons import reason_in_words
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.own_addresses.store import Added, own_address_transports
from notifications_hub.transports.own_addresses.transport import OwnAddressTransport
from notifications_hub.users import Person


@dataclass(frozen=True, slots=True)
class AddressEntry:
    """An address as its owner sees it: never as a whole."""

    id: str
    label: str
    transport: str
    service: str
    created: datetime
    last_used: datetime | None
    stopped: str
    signs: bool

    @classmethod
    def of(cls, row: OwnAddress, transport: OwnAddressTransport) -> AddressEntry:
        return cls(
            id=str(row.pk),
            label=str(row),
            transport=row.transport,
            service=str(transport.label),
            created=row.created,
            last_used=row.last_used,
            stopped=reason_in_words(row.stop_reason, row.stop_parameters) if row.stopped_at else "",
            signs=transport.signs,
        )


@dataclass(frozen=True, slots=True)
class AddressForm:
    """The form for one transport, as it is filled in. `error` says why an address was refused."""

    name: str
    label: str
    address_label: str
    address_help: str
    address: str = ""
    given_name: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Addresses, and a form for each transport that takes some. `secret` is shown this once, for `secret_of`."""

    entries: list[AddressEntry]
    forms: list[AddressForm]
    secret: str = ""
    secret_of: str = ""

    def with_secret(self, added: Added) -> Section:
        return replace(self, secret=added.secret, secret_of=str(added.row))

    def with_error(self, transport: str, *, address: str, name: str, error: str) -> Section:
        """Return the section with a form as the person sent it."""
        filled = [
            replace(form, address=address, given_name=name, error=error) if form.name == transport else form
            for form in self.forms
        ]
        return replace(self, forms=filled)


def section(person: Person) -> Section | None:
    """Return the section, or None if no transport of this site takes addresses. It takes one query."""
    transports = {transport.name: transport for transport in own_address_transports()}
    if not transports:
        return None
    rows = OwnAddress.objects.filter(owner_id=person.pk, transport__in=transports)
    entries = [AddressEntry.of(row, transports[row.transport]) for row in rows]
    return Section(entries, [_form(transport) for transport in transports.values()])


def _form(transport: OwnAddressTransport) -> AddressForm:
    texts = (transport.label, transport.address_label, transport.address_help)
    return AddressForm(transport.name, *map(str, texts))
