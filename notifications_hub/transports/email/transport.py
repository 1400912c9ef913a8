"""The email transport. An address of a delivery is the primary key of a person, whose email address may change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications_hub.conf import hub_settings
from notifications_hub.database.primary import connection
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.kinds import kind_of
from notifications_hub.message import Message
from notifications_hub.transports import locked_methods
from notifications_hub.transports.base import AddressTable, Send, TransportError
from notifications_hub.transports.database import close_idle_connections, in_database
from notifications_hub.transports.email.connections import Connections
from notifications_hub.transports.email.content import email_for, kinds_in
from notifications_hub.transports.email.models import StoppedEmail, StopReason, email_column, stop_all
from notifications_hub.transports.email.recipients import Recipient, usable_recipients
from notifications_hub.transports.email.refusals import Refusals
from notifications_hub.transports.email.smtp_errors import AddressGone, RecipientRefused, gone


class Email:
    """Emails by the site's mail backend, to people whom nothing else reached within `EMAIL_DELAY`."""

    name = "email"
    label: ClassVar[str | Promise] = _("Email")
    on_by_default = True
    digests = True

    def __init__(self) -> None:
        self._connections = Connections()
        self._refusals = Refusals()

    @property
    def delay(self) -> float:
        return hub_settings.email_delay

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        return self.addresses_of([person.pk]).get(person.pk, [])

    def addresses_of(self, people: Collection[Any]) -> Mapping[Any, list[str]]:
        return {one.pk: [address] for address, one in usable_recipients(people).items()}

    def address_table(self) -> AddressTable | None:
        column = email_column()
        if column is None:
            return None
        quote = connection.ops.quote_name
        # A user model may inherit its addresses from another table, which has the same keys.
        options = column.model._meta
        key, address = quote(str(options.pk.column)), quote(str(column.column))
        return AddressTable(quote(options.db_table), owner=key, address=key, usable=_usable(address))

    def load(self, addresses: Collection[str]) -> Mapping[str, Send]:
        found = self._recipients(addresses)
        return {address: partial(self._send, recipient=found.get(address)) for address in addresses}

    async def send(self, message: Message, address: str) -> None:
        found = await in_database(self._recipients, [address])
        await self._send(message, found.get(address))

    def learn(self, results: Sequence[tuple[str, TransportError | None]]) -> None:
        """Stop addresses that will never work. Their owner sees it in the preferences."""
        if gone := [error.address for _address, error in results if isinstance(error, AddressGone)]:
            stop_all(gone, StopReason.BOUNCED)

    async def close(self) -> None:
        await self._connections.close()
        await close_idle_connections()

    def compose(self, message: Message, recipient: Recipient) -> EmailMultiAlternatives:
        """Return the email to send. Override it to add headers or attachments."""
        kinds = [kind_of(name) for name in kinds_in(message)]
        optional = any(kind.optional and self.name not in locked_methods(kind) for kind in kinds)
        return email_for(message, recipient, optional=optional)

    def _recipients(self, addresses: Collection[str]) -> Mapping[str, Recipient]:
        found = usable_recipients([_key(address) for address in addresses])
        if type(self).addresses_of is Email.addresses_of:
            return found
        # A host's own condition holds for the address that the person has by now.
        wanted = self.addresses_of([one.pk for one in found.values()])
        return {address: one for address, one in found.items() if address in wanted.get(one.pk, ())}

    async def _send(self, message: Message, recipient: Recipient | None) -> None:
        if recipient is None:
            raise TransportError(DeliveryReason(ReasonCode.NO_EMAIL), permanent=True)
        try:
            await self._connections.send(partial(self.compose, message, recipient))
        except AddressGone as error:
            error.address = recipient.address
            raise
        except RecipientRefused as error:
            if not self._refusals.is_gone(recipient.address):
                raise
            certain = gone(error.status)
            certain.address = recipient.address
            raise certain from None
        self._refusals.accepted()


def _usable(address: str) -> str:
    stopped = connection.ops.quote_name(StoppedEmail._meta.db_table)
    is_stopped = f"SELECT 1 FROM {stopped} AS stopped WHERE stopped.address = lower(address.{address})"  # noqa: S608 -- names of columns
    return f"{address} <> '' AND NOT EXISTS ({is_stopped})"


def _key(address: str) -> Any:
    return get_user_model()._meta.pk.to_python(address)
