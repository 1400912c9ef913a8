"""The base of transports whose addresses people add for themselves. A subclass says how to accept one and to send."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from django.utils.functional import Promise

from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.message import Message
from notifications_hub.transports.base import AddressTable, Send, TransportError
from notifications_hub.transports.database import in_database
from notifications_hub.transports.own_addresses.models import Destination, OwnAddress

USED_WITHIN = timedelta(hours=1)


class AddressRefused(ValueError):
    """Raised for an address that a person may not add. The message is for that person, in their language."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An address as it is stored, and the part of it that its owner sees later."""

    address: str
    where: str


class OwnAddressTransport(ABC):
    """A transport to addresses of people's own. An address of a delivery is the primary key of an `OwnAddress`."""

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    address_label: ClassVar[str | Promise]
    """The name of the field in which people enter an address."""
    address_help: ClassVar[str | Promise]
    signs: ClassVar[bool] = False
    """Give each address a secret, which its owner sees once."""

    @abstractmethod
    def accept(self, text: str) -> Accepted:
        """Return a person's text as an address. Raise `AddressRefused`. This may look up a name."""

    @abstractmethod
    async def send_to(self, message: Message, destination: Destination) -> int | None:
        """Send the message, as `Transport.send` does."""

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        return self.addresses_of([person.pk]).get(person.pk, [])

    def addresses_of(self, people: Collection[Any]) -> Mapping[Any, list[str]]:
        found: dict[Any, list[str]] = defaultdict(list)
        usable = OwnAddress.objects.filter(owner__in=people, transport=self.name, stopped_at=None)
        for owner, pk in usable.order_by("pk").values_list("owner", "pk"):
            found[owner].append(str(pk))
        return found

    def address_table(self) -> AddressTable:
        usable = f"stopped_at IS NULL AND address.transport = '{self.name}'"
        return AddressTable(OwnAddress._meta.db_table, owner="owner_id", address="id", usable=usable)

    def load(self, addresses: Collection[str]) -> Mapping[str, Send]:
        known = OwnAddress.objects.in_bulk([int(address) for address in addresses])
        return {str(pk): partial(self._send, row=row) for pk, row in known.items()}

    async def send(self, message: Message, address: str) -> int | None:
        return await self._send(message, await in_database(OwnAddress.objects.filter(pk=int(address)).first))

    def learn(self, results: Sequence[tuple[str, TransportError | None]]) -> None:
        """Stop addresses that will never work again. Their owner still sees them, with the reason."""
        now = timezone.now()
        for address, error in results:
            if error is not None and error.permanent:
                reason = DeliveryReason.from_transport(error.reason)
                OwnAddress.objects.filter(pk=int(address), stopped_at=None).update(
                    stopped_at=now, stop_reason=reason.code, stop_parameters=reason.parameters
                )
        used = [int(address) for address, error in results if error is None]
        OwnAddress.objects.filter(pk__in=used).exclude(last_used__gt=now - USED_WITHIN).update(last_used=now)

    async def _send(self, message: Message, row: OwnAddress | None) -> int | None:
        if row is None:
            raise TransportError(DeliveryReason(ReasonCode.ADDRESS_REMOVED), permanent=True)
        if row.stopped_at is not None:
            raise TransportError(DeliveryReason(ReasonCode(row.stop_reason), row.stop_parameters), permanent=True)
        try:
            destination = row.destination()
        except ValueError as error:
            raise TransportError(DeliveryReason(ReasonCode.ADDRESS_UNREADABLE), permanent=True) from error
        return await self.send_to(message, destination)
