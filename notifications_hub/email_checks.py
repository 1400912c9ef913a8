"""System checks of emails: what their links, their sender and the kinds' delays need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from notifications_hub.conf import SETTING, HubSettings
from notifications_hub.kinds import Kind, all_kinds
from notifications_hub.message import time_to_live
from notifications_hub.transports import default_methods, delay_of
from notifications_hub.transports.email.models import email_column
from notifications_hub.transports.email.reports import is_webhook_secret
from notifications_hub.transports.email.transport import Email

_NOBODY = "webmaster@localhost"


def check_emails(loaded: HubSettings) -> Iterator[CheckMessage]:
    """Check every kind's delays, and the settings of emails if a transport sends some."""
    faults = [fault for kind in all_kinds() for fault in _delays(kind)]
    yield from faults
    if loaded.email_connections < 1:
        fault = f"{SETTING}['EMAIL_CONNECTIONS'] is {loaded.email_connections}."
        yield Error(fault, hint="Write 1 or more.", id="notifications_hub.E062")
    names = [name for name, path in loaded.transports.items() if _is_email(path)]
    if names:
        yield from _settings(loaded)
    if names and not faults:
        yield from _lifetimes(names)


def _is_email(path: Any) -> bool:
    try:
        found = import_string(path)
    except (ImportError, AttributeError):
        # `check_methods` reports it.
        return False
    return isinstance(found, type) and issubclass(found, Email)


def _settings(loaded: HubSettings) -> Iterator[CheckMessage]:
    if not loaded.site_url.startswith(("https://", "http://")):
        hint = f'Set {SETTING}["SITE_URL"] to the root of the site, like "https://example.com".'
        yield Error("Emails need the address of this site for their links.", hint=hint, id="notifications_hub.E060")
    if loaded.email_webhook_secret:
        yield from _secret(loaded.email_webhook_secret)
    if apps.models_ready and email_column() is None:
        hint = "Name it in EMAIL_FIELD of the user model, or remove the transport."
        yield checks.Warning("The user model has no column of email addresses.", hint=hint, id="notifications_hub.W060")
    if not settings.DEBUG and (loaded.email_from or settings.DEFAULT_FROM_EMAIL) == _NOBODY:
        hint = f'Set DEFAULT_FROM_EMAIL, or {SETTING}["EMAIL_FROM"], to an address of your domain.'
        yield checks.Warning(f"Emails would be from {_NOBODY}.", hint=hint, id="notifications_hub.W061")


def _secret(secret: str) -> Iterator[CheckMessage]:
    if find_spec("standardwebhooks") is None:
        hint = "Install it: pip install 'notifications-hub[webhook]'"
        yield Error("EMAIL_WEBHOOK_SECRET needs standardwebhooks.", hint=hint, id="notifications_hub.E063")
    elif not is_webhook_secret(secret):
        hint = "Copy it from your mail service. It begins with whsec_, and the rest is base64."
        yield Error("EMAIL_WEBHOOK_SECRET is no secret of Standard Webhooks.", hint=hint, id="notifications_hub.E064")


def _delays(kind: Kind) -> Iterator[CheckMessage]:
    delays: object = kind.delays
    if isinstance(delays, Mapping) and all(isinstance(name, str) and _is_delay(one) for name, one in delays.items()):
        return
    fault = f"The delays of the kind {kind.name!r} are {delays!r}."
    hint = 'Write seconds by the name of a transport: delays = {"email": 0}.'
    yield Error(fault, hint=hint, obj=type(kind), id="notifications_hub.E061")


def _is_delay(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _lifetimes(names: list[str]) -> Iterator[CheckMessage]:
    """Warn about kinds whose emails would always be out of date."""
    for kind in all_kinds():
        late = [name for name in names if name in default_methods(kind) and _is_late(kind, name)]
        if late:
            fault = f"The kind {kind.name!r} is out of date (ttl) before its email is sent."
            hint = 'Write a longer ttl, a shorter delay (delays = {"email": 0}), or methods without email.'
            yield checks.Warning(fault, hint=hint, obj=type(kind), id="notifications_hub.W062")


def _is_late(kind: Kind, name: str) -> bool:
    ttl: object = kind.ttl
    return (ttl is None or isinstance(ttl, int)) and time_to_live(ttl) <= delay_of(name, kind)
