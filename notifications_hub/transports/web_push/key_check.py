"""A check that browsers subscribed with the site's VAPID key. Any other key silences all of them at once."""

from __future__ import annotations

import logging

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from notifications_hub.transports.web_push.key_setup import missing_key
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.transports.web_push.vapid import current_key, previous_key

LOST = (
    "VAPID_PRIVATE_KEY has changed: no registered browser knows it, so no push would arrive. Put the old key "
    "back, or keep it as VAPID_PREVIOUS_KEY until browsers have moved over; `manage.py hub_vapid --rotate` shows how."
)

log = logging.getLogger(__name__)


def check_at_start() -> str:
    """Return the reason not to start this process, or an empty text. An unreachable database is not a reason."""
    try:
        if current_key() is None:
            log.warning("Push is off: %s", missing_key()[0])
            return ""
        return LOST if is_lost() else ""
    except ImproperlyConfigured as error:
        return str(error)
    except DatabaseError as error:
        log.warning("Could not check whether browsers know the VAPID key (%s)", type(error).__name__)
        return ""


def is_lost() -> bool:
    """Return whether browsers exist, but none subscribed with a key of ours."""
    ours = [key.fingerprint for key in (current_key(), previous_key()) if key]
    known = PushSubscription.objects.exclude(key_fingerprint="")
    return bool(ours) and not known.filter(key_fingerprint__in=ours).exists() and known.exists()


def browsers_of(fingerprint: str) -> int:
    return PushSubscription.objects.filter(key_fingerprint=fingerprint).count()
