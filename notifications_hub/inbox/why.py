"""How a person was told of something, or why not, in plain words: `trail.py` for those whom it is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub.delivery import Delivery, State
from notifications_hub.kinds import Road, kind_of
from notifications_hub.notification import Notification
from notifications_hub.trail import NoPush, Step, browser_names, why_no_push

_TOLD = {
    Road.LIVE: gettext_lazy("You were told on an open page."),
    Road.FLASH: gettext_lazy("You were told at the top of the next page that you opened."),
    Road.WEB_PUSH: gettext_lazy("You were told by one of your browsers."),
    Road.EMAIL: gettext_lazy("You were told by email."),
}
_NEEDLESS = {
    "told": gettext_lazy("%(browser)s was left in peace: you had been told already."),
    "read": gettext_lazy("%(browser)s was left in peace: you had read it."),
    "archived": gettext_lazy("%(browser)s was left in peace: you had archived it."),
    "expired": gettext_lazy("%(browser)s was not told: it was no news any more."),
}
"""The first word of why a delivery was cancelled to what that means to its person."""


def told(notification: Notification) -> list[Step]:
    """In the order it happened."""
    deliveries = list(notification.deliveries.order_by("pk"))
    names = browser_names(deliveries)
    steps = [*_own(notification)]
    for delivery in deliveries:
        steps += _pushed(delivery, names.get(delivery.pk) or _("A browser"))
    return sorted(steps, key=lambda step: step.at)


def not_pushed(notification: Notification) -> str:
    """Why no browser was to be told; empty where one was, or where that cannot be said."""
    reason = None if notification.deliveries.exists() else why_no_push(notification)
    if reason is None:
        return ""
    kind = kind_of(notification.kind)
    return {
        NoPush.NO_KEY: _("This site does not send notifications to browsers at the moment."),
        NoPush.PREFERENCE: _("You chose no pushes for “%(kind)s”.") % {"kind": kind.label or kind.name},
        NoPush.NO_BROWSER: _("You have switched notifications on in no browser."),
        NoPush.HELD_BACK: _("Your browsers have to be switched on again."),
    }[reason]


def is_under_way(notification: Notification) -> bool:
    return notification.deliveries.filter(state=State.WAITING).exists()


def _own(notification: Notification) -> Iterator[Step]:
    yield Step(notification.timestamp, _("It happened."))
    by = next((words for road, words in _TOLD.items() if road == notification.told_by), _("You were told."))
    happened = (
        (notification.told_at, str(by)),
        (notification.seen_at, _("You had it before you in the list.")),
        (notification.read_at, _("You read it.")),
        (notification.archived_at, _("You archived it.")),
    )
    yield from (Step(at, words) for at, words in happened if at is not None)


def _pushed(delivery: Delivery, browser: str) -> Iterator[Step]:
    for attempt in delivery.trail:
        yield Step(datetime.fromisoformat(attempt["at"]), _attempt(State(attempt["state"]), delivery, browser))
    settled_apart = not delivery.trail or delivery.trail[-1]["state"] != delivery.state
    if delivery.settled_at and settled_apart:
        yield Step(delivery.settled_at, _attempt(State(delivery.state), delivery, browser))
    elif delivery.state == State.WAITING:
        first = _("%(browser)s is told at this time, unless a page tells you before.")
        again = _("%(browser)s is tried again at this time.")
        yield Step(delivery.due_at, (again if delivery.trail else first) % {"browser": browser})


def _attempt(state: State, delivery: Delivery, browser: str) -> str:
    words = {
        State.SENT: _("Sent to %(browser)s."),
        State.WAITING: _("%(browser)s could not be reached; another try follows."),
        State.FAILED: _("%(browser)s could not be reached."),
        State.CANCELLED: _needless(delivery.reason),
    }[state]
    return words % {"browser": browser}


def _needless(reason: str) -> str:
    first_word = reason.partition(" ")[0]
    return str(_NEEDLESS.get(first_word, _("%(browser)s was not told: there was no need any more.")))
