"""The Web Push transport, which sends messages to people's browsers while no page is open.

Encryption is that of pywebpush (http_ece). The sending is ours, because pywebpush follows redirects, has no deadline
and connects to any address.

Answers of a push service, and their meaning:

    200 201 202            it accepted the message
    404 410                the browser is gone: permanent, delivery forgets the address
    400 401 403, any 3xx   it refuses us, not the browser: held back (quarantined) until the browser registers again
    413                    too long: worth another try at once, with a shorter message
    429 5xx, others,       temporary: worth another try, after `Retry-After` if the answer has it
    no answer
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

import http_ece
from aiohttp.abc import AbstractResolver
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from notifications_hub.conf import hub_settings
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.kinds import Urgency
from notifications_hub.message import Message
from notifications_hub.telemetry import measures
from notifications_hub.transports.base import AddressTable, PutOff, Send, TooLong, TransportError
from notifications_hub.transports.database import close_idle_connections, in_database
from notifications_hub.transports.outbound.endpoints import Endpoint, EndpointRefused
from notifications_hub.transports.outbound.http_client import Answer, HttpClient, NoAnswer
from notifications_hub.transports.web_push import payload
from notifications_hub.transports.web_push.endpoints import host_label, is_extra_host, parse_endpoint
from notifications_hub.transports.web_push.subscriptions import PushSubscription, quarantine
from notifications_hub.transports.web_push.vapid import current_key, from_b64url, key_for

logger = logging.getLogger(__name__)

ACCEPTED = frozenset({200, 201, 202})
GONE = frozenset({404, 410})
REFUSED = frozenset({400, 401, 403})
TOO_LONG = 413
_OWN_LABELS = ACCEPTED | GONE | REFUSED | {TOO_LONG, 429}
USED_WITHIN = timedelta(hours=1)
HELD_BACK_SECONDS = 3600.0
_USABLE = "quarantined_at IS NULL"
_PUSH_URGENCY = {Urgency.CRITICAL: Urgency.HIGH}


class Quarantined(TransportError):
    """Raised when sending again is pointless until this browser has registered again."""


class WebPush:
    """The Web Push transport. An address is the primary key of a `PushSubscription`."""

    name = "web_push"
    label = _("Push")
    on_by_default = True
    confirms = True
    retracts = True

    def __init__(self, client: HttpClient | None = None) -> None:
        self._client = client or push_client()

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        return self.addresses_of([person.pk]).get(person.pk, [])

    def addresses_of(self, people: Collection[Any]) -> Mapping[Any, list[str]]:
        found: dict[Any, list[str]] = defaultdict(list)
        if current_key() is not None:
            usable = PushSubscription.objects.filter(owner__in=people, quarantined_at=None)
            for owner, pk in usable.order_by("pk").values_list("owner", "pk"):
                found[owner].append(str(pk))
        return found

    def address_table(self) -> AddressTable | None:
        if current_key() is None:
            return None
        return AddressTable(PushSubscription._meta.db_table, owner="owner_id", address="id", usable=_USABLE)

    def load(self, addresses: Collection[str]) -> Mapping[str, Send]:
        known = PushSubscription.objects.in_bulk([int(address) for address in addresses])
        return {str(pk): partial(self._send, subscription=subscription) for pk, subscription in known.items()}

    async def send(self, message: Message, address: str) -> int:
        subscription = await in_database(PushSubscription.objects.filter(pk=int(address)).first)
        if subscription is None:
            raise TransportError(DeliveryReason(ReasonCode.BROWSER_REMOVED), permanent=True)
        return await self._send(message, subscription)

    def learn(self, results: Sequence[tuple[str, TransportError | None]]) -> None:
        gone = [int(address) for address, error in results if error is not None and error.permanent]
        if gone:
            PushSubscription.objects.filter(pk__in=gone).delete()
        for address, error in results:
            if isinstance(error, Quarantined):
                quarantine(int(address), DeliveryReason.from_transport(error.reason), timezone.now())
        now = timezone.now()
        used = [int(address) for address, error in results if error is None]
        PushSubscription.objects.filter(pk__in=used, last_used__lt=now - USED_WITHIN).update(last_used=now)

    async def close(self) -> None:
        await self._client.close()
        await close_idle_connections()

    async def _send(self, message: Message, subscription: PushSubscription) -> int:
        if subscription.quarantined_at is not None:
            raise PutOff(_held_back(subscription), retry_after=HELD_BACK_SECONDS)
        endpoint = _endpoint(subscription)
        body = _encrypted(subscription, payload.encode_for(subscription, message))
        # Sends that begin at once first all encrypt, then all use the network: alternating finds cold caches.
        await asyncio.sleep(0)
        host = host_label(endpoint)
        try:
            answer = await self._client.post(endpoint, body, _headers(message, subscription, endpoint))
        except NoAnswer as error:
            measures.push_answers.labels(host, "none").inc()
            raise TransportError(error.reason) from error
        except PutOff:
            measures.push_answers.labels(host, "not_asked").inc()
            raise
        measures.push_answers.labels(host, _answer_label(answer.status)).inc()
        _judge(answer, endpoint)
        return answer.status


def push_client(*, resolver: Callable[[], AbstractResolver] | None = None, deadline: float | None = None) -> HttpClient:
    """Return a client that reaches push services alone, at the rate of `PUSH_RATE`."""
    return HttpClient(is_extra_host, lambda: hub_settings.push_rate, resolver=resolver, deadline=deadline)


def _answer_label(status: int) -> str:
    # The statuses that mean something else than their class. A service chooses them, so the others share a label.
    return str(status) if status in _OWN_LABELS else f"{status // 100}xx"


def _held_back(subscription: PushSubscription) -> DeliveryReason:
    code, parameters = subscription.quarantine_reason, subscription.quarantine_parameters
    return DeliveryReason(ReasonCode.HELD_BACK, {**parameters, "because": code})


def _endpoint(subscription: PushSubscription) -> Endpoint:
    try:
        return parse_endpoint(subscription.endpoint)
    except EndpointRefused as error:
        raise Quarantined(str(error)) from error


def _encrypted(subscription: PushSubscription, plain: bytes) -> bytes:
    """Encrypt a push with a new key and a new salt (RFC 8291)."""
    try:
        return bytes(
            http_ece.encrypt(
                plain,
                private_key=ec.generate_private_key(ec.SECP256R1()),
                dh=from_b64url(subscription.p256dh),
                auth_secret=from_b64url(subscription.auth),
                version="aes128gcm",
            )
        )
    except (http_ece.ECEException, ValueError, IndexError, TypeError) as error:
        raise Quarantined(DeliveryReason(ReasonCode.KEYS_UNUSABLE)) from error


def _headers(message: Message, subscription: PushSubscription, endpoint: Endpoint) -> dict[str, str]:
    headers = {
        "Authorization": _authorization(subscription, endpoint),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        # Without a time to live a push to a browser that is closed is dropped at once.
        "TTL": str(max(1, message.ttl)),
        "Urgency": _PUSH_URGENCY.get(message.urgency, message.urgency).value,
    }
    if message.tag:
        headers["Topic"] = _topic(message.tag)
    return headers


def _authorization(subscription: PushSubscription, endpoint: Endpoint) -> str:
    key = key_for(subscription.key_fingerprint)
    if key is None:
        raise TransportError(DeliveryReason(ReasonCode.NO_KEY))
    try:
        return key.authorization(endpoint.origin, hub_settings.vapid_subject)
    except ImproperlyConfigured as error:
        raise TransportError(str(error)) from error


def _topic(tag: str) -> str:
    """Return the topic of a tag: at most 32 characters that reveal nothing. A later push replaces a waiting one."""
    digest = hmac.digest(_topic_key(settings.SECRET_KEY), tag.encode(), "sha256")
    return base64.urlsafe_b64encode(digest)[:32].decode("ascii")


@lru_cache(maxsize=1)
def _topic_key(secret: str) -> bytes:
    return salted_hmac("notifications_hub.topic", "", secret=secret, algorithm="sha256").digest()


def _judge(answer: Answer, endpoint: Endpoint) -> None:
    status = answer.status
    if status in ACCEPTED:
        return
    # The service's own words go only to the log, cut and escaped: they are not trusted, and may repeat the request.
    logger.info("A push service answered %s: %.200r", status, endpoint.hidden_in(answer.text))
    if status in GONE:
        raise TransportError(DeliveryReason(ReasonCode.BROWSER_GONE), permanent=True, status=status)
    if status in REFUSED or 300 <= status < 400:
        logger.error("%s refuses pushes with %s; is the VAPID key right?", endpoint.host, status)
        raise Quarantined(DeliveryReason.of(ReasonCode.PUSH_REFUSED, status=status), status=status)
    if status == TOO_LONG:
        raise TooLong(DeliveryReason(ReasonCode.TOO_LONG), status=status)
    reason = DeliveryReason.of(ReasonCode.PUSH_ANSWERED, status=status)
    raise TransportError(reason, retry_after=answer.retry_after, status=status)
