"""The base of transports whose addresses a host gives in code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.utils.functional import Promise

from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.message import Message
from notifications_hub.transports.base import TransportError
from notifications_hub.transports.own_addresses.models import Destination


class SiteTransport(ABC):
    """A transport with addresses from code. An address is a name of the host's choice, like `team-7`.

    The name is stored with each delivery; the destination that it stands for is not.
    """

    name: ClassVar[str]
    label: ClassVar[str | Promise]

    @abstractmethod
    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        """Return the names of the person's addresses."""

    @abstractmethod
    def destination(self, address: str) -> Destination | None:
        """Return what a name stands for, or None if it is gone. It runs in an event loop, so it makes no query."""

    @abstractmethod
    async def send_to(self, message: Message, destination: Destination) -> int | None:
        """Send the message, as `Transport.send` does."""

    async def send(self, message: Message, address: str) -> int | None:
        destination = self.destination(address)
        if destination is None:
            raise TransportError(DeliveryReason(ReasonCode.ADDRESS_REMOVED), permanent=True)
        return await self.send_to(message, destination)
