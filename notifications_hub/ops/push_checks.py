"""The doctor's check of Web Push: the key, the subject and the service worker."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, get_script_prefix, resolve, reverse

from notifications_hub.conf import hub_settings
from notifications_hub.ops.worker_checks import Answer
from notifications_hub.transports.web_push.key_check import LOST, browsers_of, is_lost
from notifications_hub.transports.web_push.key_setup import (
    PREVIOUS_KEY,
    is_placeholder,
    missing_key,
    subject_fault,
    unread,
)
from notifications_hub.transports.web_push.vapid import VapidKey, current_key, previous_key

_WORKER = "service_worker:worker"
_OWN_WORKER = "pushes are shown only if your own service worker imports service_worker/push.js."


def push() -> Answer:
    try:
        key = current_key()
        previous_key()
    except ImproperlyConfigured as error:
        return f"off: {error}", False
    if key is None:
        words, is_begun = missing_key()
        return f"off: {words}", not is_begun
    if fault := unread(PREVIOUS_KEY) or (LOST if is_lost() else "") or subject_fault() or _covered_worker():
        return fault, False
    if is_placeholder(hub_settings.vapid_subject):
        remedy = "Apple's push service refuses it: name an address where you can be reached."
        return f"on, but VAPID_SUBJECT is {hub_settings.vapid_subject}. {remedy}", settings.DEBUG
    return " ".join(filter(None, [_standing(key), _unmounted_worker()])), True


def _standing(key: VapidKey) -> str:
    previous = previous_key()
    moving = f" {browsers_of(previous.fingerprint)} browsers still have the previous key." if previous else ""
    return f"on, with key {key.fingerprint} for {hub_settings.vapid_subject}.{moving}"


def _unmounted_worker() -> str:
    return "" if _worker_path() else f"The hub's worker is not mounted: {_OWN_WORKER}"


def _covered_worker() -> str:
    """Return what is wrong if another view answers at the address of the hub's service worker."""
    path = _worker_path()
    # Django removes the folder of a larger site from a path before it looks at the URLs.
    if not path or resolve(f"/{path.removeprefix(get_script_prefix())}").view_name == _WORKER:
        return ""
    return f"another view answers at {path}, so the hub's service worker is not served: {_OWN_WORKER}"


def _worker_path() -> str:
    try:
        return reverse(_WORKER)
    except NoReverseMatch:
        return ""
