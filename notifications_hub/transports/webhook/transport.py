"""The webhook transport: a signed POST with JSON to an address, by Standard Webhooks.

Answers of a receiver, and their meaning:

    2xx                    it accepted the message
    410                    the address is gone: permanent
    413                    too long: worth another try at once, with a shorter message
    others, any 3xx,       temporary: worth another try, after `Retry-After` if the answer has it
    no answer
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import urljoin

from aiohttp.abc import AbstractResolver
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications_hub.conf import hub_settings
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.message import Message
from notifications_hub.transports.base import TooLong, TransportError
from notifications_hub.transports.database import close_idle_connections
from notifications_hub.transports.outbound.endpoints import (
    EndpointRefused,
    Lookup,
    PrivateNetwork,
    check_addresses,
    is_listed,
    parse_service_url,
)
from notifications_hub.transports.outbound.http_client import Answer, HttpClient, NoAnswer, Room
from notifications_hub.transports.own_addresses.models import Destination
from notifications_hub.transports.own_addresses.site_transport import SiteTransport
from notifications_hub.transports.own_addresses.transport import Accepted, AddressRefused, OwnAddressTransport
from notifications_hub.transports.webhook.signature import signed_headers

GONE, TOO_LONG = 410, 413
RATE = 100
"""Requests per second that one worker sends to one host."""
ROOM = Room(in_all=200, per_host=50)
"""Half of a worker's slots: people name any number of hosts, whose answers may take the whole deadline."""


class _Posts:
    """The sending side of webhooks."""

    def __init__(self, client: HttpClient | None = None) -> None:
        self._client = client or webhook_client()

    async def send_to(self, message: Message, destination: Destination) -> int:
        return await post_webhook(self._client, message, destination)

    async def close(self) -> None:
        await self._client.close()
        await close_idle_connections()


class Webhook(_Posts, OwnAddressTransport):
    """Webhooks that people add in their preferences."""

    name = "webhook"
    label: ClassVar[str | Promise] = _("Webhook")
    address_label = _("Web address")
    address_help = _("Each notification is sent there as signed JSON. It must start with https://.")
    on_by_default = True
    # Its receiver may be a machine: what it accepts has reached nobody yet.
    confirms = True
    interrupts = False
    signs = True

    def __init__(self, client: HttpClient | None = None, lookup: Lookup | None = None) -> None:
        super().__init__(client)
        self._lookup = lookup

    def accept(self, text: str) -> Accepted:
        try:
            endpoint = parse_service_url(text, is_extra_host)
            check_addresses(endpoint, is_extra_host, self._lookup)
        except PrivateNetwork:
            raise AddressRefused(_("This address is in a private network, where this site doesn't send.")) from None
        except EndpointRefused:
            raise AddressRefused(_("This isn't a complete web address. It must start with https://.")) from None
        return Accepted(str(endpoint.url), endpoint.host)


class SiteWebhook(_Posts, SiteTransport):
    """The base of a host's own webhook transport: subclass it, and return addresses and destinations from code."""

    label: ClassVar[str | Promise] = _("Webhook")
    confirms = True
    interrupts = False


def webhook_client(
    *, resolver: Callable[[], AbstractResolver] | None = None, deadline: float | None = None
) -> HttpClient:
    return HttpClient(is_extra_host, lambda: RATE, room=ROOM, resolver=resolver, deadline=deadline)


def is_extra_host(host: str, port: int) -> bool:
    """Return whether `WEBHOOK_EXTRA_HOSTS` lists the host. Only listed hosts may be private or use plain http."""
    return is_listed(host, port, hub_settings.webhook_extra_hosts)


async def post_webhook(client: HttpClient, message: Message, destination: Destination) -> int:
    """Send the signed message, and return the answer's status. Raise `TransportError`."""
    try:
        endpoint = parse_service_url(destination.address, is_extra_host)
    except EndpointRefused as error:
        raise TransportError(DeliveryReason(ReasonCode.ADDRESS_REFUSED)) from error
    body = payload(message)
    headers = {"Content-Type": "application/json", **signed_headers(message.id, body, destination.secrets)}
    try:
        answer = await client.post(endpoint, body.encode(), headers)
    except NoAnswer as error:
        raise TransportError(error.reason) from error
    _judge(answer)
    return answer.status


def payload(message: Message) -> str:
    """Return the JSON of a request: the kind of the notification, and what its receiver may show."""
    data = {
        "id": message.id,
        "title": message.title,
        "body": message.body,
        "url": _absolute(message.url),
        "level": message.level,
        "tag": message.tag,
        "language": message.language,
        "urgency": message.urgency.value,
        "privacy": message.privacy.value,
        # With these the receiver may report that the person saw or read it.
        "token": message.token,
        "act": _absolute(message.act_url),
    }
    return json.dumps({"type": message.kind, "data": data})


def _absolute(url: str) -> str:
    return urljoin(hub_settings.site_url, url) if url and hub_settings.site_url else url


def _judge(answer: Answer) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status == GONE:
        raise TransportError(DeliveryReason(ReasonCode.ADDRESS_GONE), permanent=True, status=status)
    if status == TOO_LONG:
        raise TooLong(DeliveryReason(ReasonCode.MESSAGE_TOO_LONG), status=status)
    reason = DeliveryReason.of(ReasonCode.SERVICE_ANSWERED, status=status)
    raise TransportError(reason, retry_after=answer.retry_after, status=status)
