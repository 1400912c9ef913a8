"""Reports of mail services about bounces and complaints: signed requests, and the signal of django-anymail.

A request is signed by Standard Webhooks, and its JSON names an event and addresses, as Resend sends them:

    {"type": "email.bounced" or "email.complained", "data": {"to": ["alice@example.com"]}}
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.apps import apps

from notifications_hub.cache_keys import cache_key
from notifications_hub.conf import hub_settings
from notifications_hub.guarded_cache import cache, level_of
from notifications_hub.transports.email.models import StopReason, stop_all, stop_emails_to

_REMEMBERED_SECONDS = 24 * 60 * 60
"""As long as services try again to deliver a report."""
_REASONS = {"email.bounced": StopReason.BOUNCED, "email.complained": StopReason.COMPLAINED}
_PASSING = frozenset({"transient", "temporary", "soft"})
_OF_ANYMAIL = {"bounced": StopReason.BOUNCED, "complained": StopReason.COMPLAINED}
_GONE_FOR_ANYMAIL = frozenset({"invalid", "bounced"})
_SOFT = ("soft", "transient", "undetermined", "blocked")
_LASTING_CLASSES = frozenset({"10", "30", "90"})
"""Bounce classes of SparkPost: invalid recipient, generic, unsubscribed."""

log = logging.getLogger(__name__)


class BadReport(ValueError):
    """Raised for a report that is not signed with the site's secret, or that names no address."""


def take_report(body: bytes, headers: Mapping[str, str]) -> int:
    """Stop the addresses of a signed report. Return how many it names. Raise `BadReport`."""
    given = _verified(body, headers)
    reason = _REASONS.get(str(given.get("type")))
    data = given.get("data")
    if reason is None or not isinstance(data, dict) or _is_passing(data):
        return 0
    addresses = data.get("to")
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        raise BadReport('The report has no addresses: {"data": {"to": ["…"]}}.')
    _stop_once(addresses, reason, cache_key("email_report", _mark_of(body, headers)))
    return len(addresses)


def _stop_once(addresses: Sequence[str], reason: StopReason, key: str) -> None:
    """Stop addresses, unless this report came before: their owner may have pressed "Try again" meanwhile.

    Services send a report again if they miss the answer. If the cache is unreachable, it counts again.
    """
    if _cached(cache.get, key):
        return
    stop_all(addresses, reason)
    _cached(cache.set, key, True, _REMEMBERED_SECONDS)


def _mark_of(body: bytes, headers: Mapping[str, str]) -> str:
    name = _standard(headers).get("webhook-id", "")
    return hashlib.sha256(name.encode() + b"\n" + body).hexdigest()


def _cached(call: Callable[..., Any], *given: Any) -> Any:
    try:
        return call(*given)
    except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and no report may be lost for it
        log.log(level_of(error), "A report could not be remembered: %s", error)
        return None


def _standard(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by the names of the standard. Resend signs by Svix, whose headers have a name of their own."""
    return {name.lower().replace("svix-", "webhook-", 1): value for name, value in headers.items()}


def is_webhook_secret(secret: str) -> bool:
    """Return whether reports can be verified with it."""
    from standardwebhooks import Webhook

    try:
        Webhook(secret)
    except Exception:  # noqa: BLE001 -- the library raises several errors of no common class
        return False
    return True


def _verified(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    from standardwebhooks import Webhook, WebhookVerificationError

    try:
        # It also refuses a report that is older than five minutes.
        Webhook(hub_settings.email_webhook_secret).verify(body, _standard(headers), json_parse=False)
        given = json.loads(body)
    except WebhookVerificationError:
        raise BadReport("The signature is invalid, or too old.") from None
    except ValueError:
        raise BadReport("The report is not JSON.") from None
    if not isinstance(given, dict):
        raise BadReport("The report is not a JSON object.")
    return given


def _is_passing(data: Mapping[str, Any]) -> bool:
    bounce = data.get("bounce")
    return isinstance(bounce, dict) and str(bounce.get("type", "")).lower() in _PASSING


def connect() -> None:
    """Listen to django-anymail, on a site that has it. It knows the reports of all services that it sends by."""
    if apps.is_installed("anymail"):
        from anymail.signals import tracking

        tracking.connect(_take_tracked, dispatch_uid="notifications_hub.email_reports")


def _take_tracked(event: Any, **kwargs: object) -> None:
    reason = _OF_ANYMAIL.get(event.event_type)
    # A mailbox that is full at the moment also bounces.
    is_passing = reason is StopReason.BOUNCED and (
        event.reject_reason not in _GONE_FOR_ANYMAIL or _is_soft(event.esp_event)
    )
    if reason is not None and event.recipient and not is_passing:
        stop_emails_to(event.recipient, reason)


def _is_soft(raw: object) -> bool:
    """Return whether a service's own event names a bounce that passes. django-anymail reports both kinds alike."""
    if not isinstance(raw, Mapping):
        return False
    if raw.get("hard_bounce") in (False, 0) or str(raw.get("bounce_class", "10")) not in _LASTING_CLASSES:
        return True
    named = [str(raw.get(name, "")).lower() for name in ("event", "type", "Type", "bounceType")]
    inner = (raw.get(name) for name in ("bounce", "data", "msys", "message_event"))
    return any(word in text for text in named for word in _SOFT) or any(map(_is_soft, inner))
