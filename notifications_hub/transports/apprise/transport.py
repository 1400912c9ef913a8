"""The Apprise transport: Slack, Teams, Discord, Telegram, Matrix, DingTalk, Feishu, SMS services and many more.

What a service's refusal means:

    404 410          the address is gone: permanent
    413              too long: worth another try at once, with a shorter message
    anything else    temporary: worth another try, after the pause that the service asks for
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urljoin

import apprise
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications_hub.conf import hub_settings
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.message import Message, veiled
from notifications_hub.transports.apprise.guard import Guard, guarded
from notifications_hub.transports.apprise.guarded_pool import GuardedPool
from notifications_hub.transports.apprise.services import Paused, create, load_plugins, name_of, new_guard, service_at
from notifications_hub.transports.base import Send, TooLong, TransportError
from notifications_hub.transports.database import close_idle_connections
from notifications_hub.transports.own_addresses.models import Destination
from notifications_hub.transports.own_addresses.site_transport import SiteTransport
from notifications_hub.transports.own_addresses.transport import Accepted, AddressRefused, OwnAddressTransport

GONE, TOO_LONG = frozenset({404, 410}), 413
_STATUS = re.compile(r"error=(\d{3})\b")
_TYPES = {
    "info": apprise.NotifyType.INFO,
    "success": apprise.NotifyType.SUCCESS,
    "warning": apprise.NotifyType.WARNING,
    "error": apprise.NotifyType.FAILURE,
}

log = logging.getLogger(__name__)


class Apprise(OwnAddressTransport):
    """Chat and SMS services that people add in their preferences, by an Apprise address or a service's own link."""

    name = "apprise"
    label: ClassVar[str | Promise] = _("Chat and SMS")
    on_by_default = True
    address_label = _("Address of the service")
    address_help = _("A webhook link of Slack, Teams or Discord, or an Apprise address like tgram://token/chat.")

    def __init__(self, pool: GuardedPool | None = None) -> None:
        self._pool = pool or GuardedPool()

    def accept(self, text: str) -> Accepted:
        load_plugins()
        with guarded(new_guard()):
            return Accepted(text, name_of(service_at(text)))

    def load(self, addresses: Collection[str]) -> Mapping[str, Send]:
        load_plugins()
        return super().load(addresses)

    async def send_to(self, message: Message, destination: Destination) -> None:
        schema = destination.address.partition("://")[0]
        host = destination.address.partition("://")[2].partition("/")[0].rpartition("@")[2]
        guard = new_guard()
        service = f"{schema}://{host}" if schema == "https" else schema
        await self._pool.run(service, guard, partial(_send, message, destination.address, guard))

    async def close(self) -> None:
        await close_idle_connections()


class SiteApprise(SiteTransport):
    """The base of a host's own transport by Apprise: subclass it, and return addresses and destinations from code.

    Addresses from code are trusted: every scheme and every host is allowed.
    """

    label: ClassVar[str | Promise] = _("Chat and SMS")

    def __init__(self, pool: GuardedPool | None = None) -> None:
        self._pool = pool or GuardedPool()

    async def send_to(self, message: Message, destination: Destination) -> None:
        guard = Guard(lambda host, port: True, trusted=True)
        await self._pool.run(self.name, guard, partial(_send, message, destination.address, guard))


def _send(message: Message, address: str, guard: Guard) -> None:
    """Send in a guarded thread. Raise `TransportError` without a part of the address in its words."""
    try:
        service = create(address) if guard.trusted else service_at(address)
        accepted = service is not None and service.notify(**_arguments(message))
    except AddressRefused as error:
        raise TransportError(DeliveryReason(ReasonCode.ADDRESS_REFUSED)) from error
    except Paused as error:
        raise TransportError(DeliveryReason(ReasonCode.SERVICE_FAILED), retry_after=error.seconds) from None
    except Exception as error:  # noqa: BLE001 -- a hundred plugins may raise anything
        log.warning("A plugin of Apprise raised %s", type(error).__name__)
        raise TransportError(DeliveryReason(ReasonCode.SERVICE_FAILED)) from None
    if not accepted:
        raise _failure(guard)


def _arguments(message: Message) -> dict[str, Any]:
    # Phones show messages of chats on their locked screens too.
    message = veiled(message)
    link = urljoin(hub_settings.site_url, message.url) if message.url and hub_settings.site_url else ""
    body = "\n".join(filter(None, (message.body, link)))
    return {
        "title": message.title if body else "",
        "body": body or message.title,
        "notify_type": _TYPES.get(message.level, apprise.NotifyType.INFO),
        "body_format": apprise.NotifyFormat.TEXT,
        # One message, however long: a service of SMS would charge for each part.
        "overflow": apprise.OverflowMode.TRUNCATE,
    }


def _failure(guard: Guard) -> TransportError:
    """Return the error for a message that was not accepted, from what the library logged about it."""
    if guard.refused:
        return TransportError(DeliveryReason(ReasonCode.ADDRESS_REFUSED))
    found = _STATUS.findall(" ".join(guard.logged))
    if not found:
        return TransportError(DeliveryReason(ReasonCode.SERVICE_FAILED))
    status = int(found[-1])
    if status in GONE:
        return TransportError(DeliveryReason(ReasonCode.ADDRESS_GONE), permanent=True, status=status)
    if status == TOO_LONG:
        return TooLong(DeliveryReason(ReasonCode.MESSAGE_TOO_LONG), status=status)
    return TransportError(DeliveryReason.of(ReasonCode.SERVICE_ANSWERED, status=status), status=status)
