"""The reasons why a delivery method is not among those that reach a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from notifications_hub.announcements.methods import all_methods
from notifications_hub.announcements.models import Announcement
from notifications_hub.delivery import preferences
from notifications_hub.kinds import kind_of
from notifications_hub.testing.captured_rows import CapturedDelivery, CapturedNotification
from notifications_hub.transports import default_methods, get_transport, transport_names
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.transports.web_push.transport import WebPush
from notifications_hub.transports.web_push.vapid import current_key


def reasons(captured: CapturedNotification, deliveries: Sequence[CapturedDelivery]) -> dict[str, str]:
    """Return, for each delivery method that would not reach the person, why. `deliveries` are the notification's."""
    return {
        method: _reason(captured, method, [one for one in deliveries if one.method == method])
        for method in all_methods()
        if method not in captured.methods
    }


def _reason(captured: CapturedNotification, method: str, deliveries: Sequence[CapturedDelivery]) -> str:
    if deliveries:
        return f"{deliveries[-1].state}: {deliveries[-1].reason}"
    chosen = captured.row.methods if isinstance(captured.row, Announcement) else None
    if chosen is not None and method not in chosen:
        return "the announcement does not use it"
    person, kind = captured.person, kind_of(captured.kind)
    if method not in default_methods(kind) and kind.name not in preferences.choices_of(person.pk).own:
        return f"the kind {kind.name!r} does not use it"
    if method not in preferences.methods_of([person.pk], kind)[person.pk]:
        return f"{person} has switched it off for {kind.name!r}"
    if method in transport_names():
        return _reason_of_transport(person, method)
    return f"{person} had switched it off for {kind.name!r}"


def _reason_of_transport(person: Any, method: str) -> str:
    try:
        transport = get_transport(method)
    except Exception as error:  # noqa: BLE001 -- a host's code may raise anything, and this is only an explanation
        return f"its transport cannot be created ({error!r})"
    if not isinstance(transport, WebPush):
        return f"its transport had no address of {person}"
    browsers = PushSubscription.objects.filter(owner=person)
    if browsers.exists() and current_key() is None:
        return "the site has no VAPID_PRIVATE_KEY"
    if browsers.filter(quarantined_at__isnull=False).exists():
        return f"the browsers of {person} are paused"
    return f"no browser of {person} was registered"
