"""How a person was told of something, or why not, in plain words: `trail.py` for those whom it is about."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub.delivery.history import HistoryStep, NoPush, browser_names, entries_of, is_in_trail, why_no_push
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.kinds import DeliveryMethod, kind_of
from notifications_hub.notification import Notification
from notifications_hub.transports import transport_label

_DELIVERED = {
    DeliveryMethod.LIVE: gettext_lazy("You were told on an open page."),
    DeliveryMethod.FLASH: gettext_lazy("You were told at the top of the next page that you opened."),
    DeliveryMethod.WEB_PUSH: gettext_lazy("You were told by one of your browsers."),
    DeliveryMethod.EMAIL: gettext_lazy("You were told by email."),
}
_NEEDLESS = {
    "delivered": gettext_lazy("%(browser)s was left in peace: you had been delivered already."),
    "read": gettext_lazy("%(browser)s was left in peace: you had read it."),
    "archived": gettext_lazy("%(browser)s was left in peace: you had archived it."),
    "expired": gettext_lazy("%(browser)s was not told: it was no news any more."),
}
"""The first word of why a delivery was cancelled to what that means to its person."""


def delivered(notification: Notification) -> list[HistoryStep]:
    """In the order it happened."""
    deliveries = list(notification.deliveries.order_by("pk"))
    names = browser_names(deliveries)
    steps = [*_own(notification)]
    for delivery in deliveries:
        steps += _pushed(delivery, names.get(delivery.pk) or _addressee(delivery))
    return sorted(steps, key=lambda step: step.at)


def _addressee(delivery: Delivery) -> str:
    return _("A browser") if delivery.transport == DeliveryMethod.WEB_PUSH else transport_label(delivery.transport)


def not_pushed(notification: Notification) -> str:
    """Why no browser was to be told; empty where one was, or where that cannot be said."""
    reason = None if notification.deliveries.exists() else why_no_push(notification)
    if reason is None:
        return ""
    kind = kind_of(notification.kind)
    return {
        NoPush.NO_KEY: _("This site isn't sending push notifications at the moment."),
        NoPush.PREFERENCE: _("By your preferences as they are now, no browser is told of “%(kind)s”.")
        % {"kind": kind.label or kind.name},
        NoPush.NO_BROWSER: _("You have switched notifications on in no browser."),
        NoPush.HELD_BACK: _("Your browsers have to be switched on again."),
        NoPush.CHANGED_SINCE: _("When it happened no browser was to be told. As things are now, one would be."),
    }[reason]


def is_under_way(notification: Notification) -> bool:
    return notification.deliveries.filter(state=DeliveryState.WAITING).exists()


def _own(notification: Notification) -> Iterator[HistoryStep]:
    yield HistoryStep(notification.timestamp, _("It happened."))
    by = next(
        (words for method, words in _DELIVERED.items() if method == notification.delivered_by), _("You were told.")
    )
    happened = (
        (notification.delivered_at, str(by)),
        (notification.seen_at, _("You had it before you in the list.")),
        (notification.read_at, _("You read it.")),
        (notification.archived_at, _("You archived it.")),
    )
    yield from (HistoryStep(at, words) for at, words in happened if at is not None)


def _pushed(delivery: Delivery, browser: str) -> Iterator[HistoryStep]:
    entries = entries_of(delivery)
    for entry in entries:
        yield HistoryStep(entry.at, _went(entry.state, delivery, browser, attempted=entry.attempted))
    if delivery.settled_at and not is_in_trail(delivery):
        yield HistoryStep(delivery.settled_at, _went(DeliveryState(delivery.state), delivery, browser, attempted=False))
    elif delivery.state == DeliveryState.WAITING:
        first = _("%(browser)s is told at this time, unless a page tells you before.")
        again = _("%(browser)s is tried again at this time.")
        tried = any(entry.attempted for entry in entries)
        yield HistoryStep(delivery.due_at, (again if tried else first) % {"browser": browser})


def _went(state: DeliveryState, delivery: Delivery, browser: str, *, attempted: bool) -> str:
    failed, later = _("%(browser)s could not be reached."), _("%(browser)s could not be reached; another try follows.")
    untried, put_off = _("%(browser)s could not be told."), _("Nothing was sent to %(browser)s yet; it has to wait.")
    words = {
        DeliveryState.SENT: _("Sent to %(browser)s."),
        DeliveryState.WAITING: later if attempted else put_off,
        DeliveryState.FAILED: failed if attempted else untried,
        DeliveryState.CANCELLED: _needless(delivery.reason),
    }[state]
    return words % {"browser": browser}


def _needless(reason: str) -> str:
    first_word = reason.partition(" ")[0]
    return str(_NEEDLESS.get(first_word, _("%(browser)s was not told: there was no need any more.")))
