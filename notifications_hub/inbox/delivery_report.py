"""Report to a person how a notification reached them; `delivery/history.py` does so for admins.

Prefetch `deliveries` to call several of these functions with one query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications_hub.delivery.history import (
    HistoryEntry,
    HistoryStep,
    NoPush,
    browser_names,
    entries_of,
    is_in_trail,
    own_addresses,
    why_no_push,
)
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import ReasonCode
from notifications_hub.escalation.history import report_escalation
from notifications_hub.inbox.push_problems import problem_of, service_problem_of
from notifications_hub.kinds import IMPORTED, DeliveryMethod, kind_of
from notifications_hub.notification import Notification
from notifications_hub.own_kinds import PushTest
from notifications_hub.transports import transport_label
from notifications_hub.transports.email.models import email_of

_DELIVERED_BY: Mapping[str, object] = {
    DeliveryMethod.LIVE: gettext_lazy("You saw it on an open page."),
    DeliveryMethod.FLASH: gettext_lazy("You saw it at the top of the next page that you opened."),
    DeliveryMethod.WEB_PUSH: gettext_lazy("One of your browsers showed it."),
    DeliveryMethod.EMAIL: gettext_lazy("You got it by email."),
}
_ALREADY = gettext_lazy("Not sent to %(browser)s: you had already been notified.")
_CANCELLED: Mapping[str, object] = {
    ReasonCode.DELIVERED_BY: _ALREADY,
    ReasonCode.DELIVERED_ALREADY: _ALREADY,
    ReasonCode.READ: gettext_lazy("Not sent to %(browser)s: you had already read it."),
    ReasonCode.SNOOZED: gettext_lazy("Not sent to %(browser)s: you had already snoozed it."),
    ReasonCode.ARCHIVED: gettext_lazy("Not sent to %(browser)s: you had already archived it."),
    ReasonCode.DECIDED: gettext_lazy("Not sent to %(browser)s: somebody had already decided it."),
    ReasonCode.EXPIRED: gettext_lazy("Not sent to %(browser)s: it was out of date."),
    ReasonCode.ANNOUNCEMENT_OVER: gettext_lazy("Not sent to %(browser)s: the announcement was over."),
}


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """Steps that tell how a person was notified, the oldest first, or the reason that no push was planned."""

    steps: Sequence[HistoryStep]
    not_pushed: str
    under_way: bool

    @classmethod
    def of(cls, row: Notification) -> DeliveryReport:
        prefetch_related_objects([row], "deliveries")
        return cls(report_steps(row), not_pushed(row), is_under_way(row))


def report_steps(notification: Notification) -> list[HistoryStep]:
    """Return the steps in the order they happened."""
    deliveries = sorted(notification.deliveries.all(), key=lambda one: one.pk)
    names = browser_names(deliveries) | {pk: str(row) for pk, row in own_addresses(deliveries).items()}
    emailed = [one.pk for one in deliveries if one.transport == DeliveryMethod.EMAIL]
    names |= dict.fromkeys(emailed, email_of(notification.recipient) if emailed else "")
    steps = [*_own(notification), *report_escalation(notification)]
    for delivery in deliveries:
        browser = _addressee(delivery, names.get(delivery.pk, ""))
        if delivery.is_retraction:
            steps += _taken_back(delivery, browser)
            continue
        steps += _pushed(delivery, browser, is_test=notification.kind == PushTest.name)
    return sorted(steps, key=lambda step: step.at)


def _addressee(delivery: Delivery, name: str) -> str:
    """Return the name of the browser, address or transport, for the middle of a sentence."""
    if delivery.transport != DeliveryMethod.WEB_PUSH:
        return name or transport_label(delivery.transport)
    return name if name not in ("", _("A browser")) else _("one of your browsers")


def not_pushed(notification: Notification) -> str:
    """Return why no push was planned; empty if one was, or if the reason is unknown."""
    reason = None if notification.deliveries.all() else why_no_push(notification)
    if reason is None:
        return ""
    kind = kind_of(notification.kind)
    return {
        NoPush.NO_KEY: _("This site isn't sending push notifications at the moment."),
        NoPush.PREFERENCE: _("Your preferences turn off push notifications for “%(kind)s”.")
        % {"kind": kind.label or kind.name},
        NoPush.NO_BROWSER: _("You haven't turned on push notifications in any browser."),
        NoPush.HELD_BACK: _("Push notifications are paused. Sign in to this site in your browser to resume."),
        NoPush.CHANGED_SINCE: _("No push was planned at the time. With your current settings, there would be one."),
    }[reason]


def is_under_way(notification: Notification) -> bool:
    return any(delivery.state == DeliveryState.WAITING for delivery in notification.deliveries.all())


def _own(notification: Notification) -> Iterator[HistoryStep]:
    yield HistoryStep(notification.timestamp, _("It happened."))
    happened = (
        (notification.delivered_at, _delivered(notification.delivered_by)),
        (notification.seen_at, _("You saw it in your notification list.")),
        (notification.read_at, _("You read it.")),
        (notification.archived_at, _("You archived it.")),
    )
    yield from (HistoryStep(at, words) for at, words in happened if at is not None)


def _delivered(method: str) -> str:
    if method in ("", IMPORTED):
        return _("You were notified.")
    return str(_DELIVERED_BY.get(method) or _("You got it by %(method)s.") % {"method": transport_label(method)})


def _pushed(delivery: Delivery, browser: str, *, is_test: bool) -> Iterator[HistoryStep]:
    entries = entries_of(delivery)
    sent = _("Sent to %(browser)s.") if delivery.escalation else _sent(delivery, is_test=is_test)
    for entry in entries:
        words = sent if entry.state == DeliveryState.SENT else _not_sent(entry.state, entry.reason, entry.attempted)
        if entry.reason == ReasonCode.SUMMED_UP:
            waited_for_digest = any(one.reason == ReasonCode.DIGEST for one in entries)
            words = _in_digest(entry) if waited_for_digest else _summed_up(entry)
        problem = _problem(delivery, entry, browser)
        yield HistoryStep(entry.at, problem or words % {"browser": browser})
    if delivery.settled_at and not is_in_trail(delivery):
        state = DeliveryState(delivery.state)
        words = sent if state == DeliveryState.SENT else _not_sent(state, delivery.reason, attempted=False)
        yield HistoryStep(delivery.settled_at, words % {"browser": browser})
    elif delivery.state == DeliveryState.WAITING:
        first = _("Next: we'll send it to %(browser)s, unless you see it on a page first.")
        again = _("Next: we'll try %(browser)s again.")
        waiting: dict[str, str] = {
            ReasonCode.QUIET_HOURS: _("Next: we'll send it to %(browser)s once your quiet hours are over."),
            ReasonCode.DIGEST: _("Next: we'll send it to %(browser)s in your next digest."),
        }
        tried = any(entry.attempted for entry in entries)
        words = waiting.get(delivery.reason, again if tried else first)
        yield HistoryStep(delivery.due_at, words % {"browser": browser})


def _taken_back(delivery: Delivery, browser: str) -> Iterator[HistoryStep]:
    """Yield a step if it was taken back. Attempts and failures say nothing to a person."""
    if delivery.settled_at and delivery.state == DeliveryState.SENT:
        yield HistoryStep(delivery.settled_at, _("We took it back from %(browser)s.") % {"browser": browser})


def _problem(delivery: Delivery, entry: HistoryEntry, browser: str) -> str:
    if entry.state not in (DeliveryState.WAITING, DeliveryState.FAILED):
        return ""
    if delivery.transport != DeliveryMethod.WEB_PUSH:
        return service_problem_of(entry.state, entry.reason, entry.parameters, browser)
    return problem_of(entry.state, entry.reason, entry.parameters, browser)


def _sent(delivery: Delivery, *, is_test: bool) -> str:
    if delivery.transport != DeliveryMethod.WEB_PUSH:
        return _("Sent to %(browser)s.")
    # A test is sent while its person looks at the page.
    if is_test:
        return _("Sent to %(browser)s. If nothing appears there, check the notification settings of your device.")
    return _("You were offline, so we sent a push to %(browser)s.")


def _summed_up(entry: HistoryEntry) -> str:
    number = int(entry.parameters.get("number", 0))
    words = ngettext(
        "Sent to %(browser)s after your quiet hours, as %(number)d notification.",
        "Sent to %(browser)s after your quiet hours, in one summary of %(number)d notifications.",
        number,
    )
    # The browser's name is filled in with those of other steps.
    return words % {"browser": "%(browser)s", "number": number}


def _in_digest(entry: HistoryEntry) -> str:
    number = int(entry.parameters.get("number", 0))
    words = ngettext(
        "Sent to %(browser)s in a digest of %(number)d notification.",
        "Sent to %(browser)s in a digest of %(number)d notifications.",
        number,
    )
    return words % {"browser": "%(browser)s", "number": number}


def _not_sent(state: DeliveryState, reason: str, attempted: bool) -> str:
    if state == DeliveryState.CANCELLED:
        return str(_CANCELLED.get(reason, _("Not sent to %(browser)s: it was no longer needed.")))
    if reason == ReasonCode.QUIET_HOURS:
        return _("Not sent to %(browser)s yet: these are your quiet hours.")
    if reason == ReasonCode.DIGEST:
        return _("Not sent to %(browser)s yet: it waits for your next digest.")
    if state == DeliveryState.WAITING:
        again = _("We couldn't reach %(browser)s. We'll try again.")
        return again if attempted else _("Not sent to %(browser)s yet. We'll try again.")
    return _("We couldn't reach %(browser)s.") if attempted else _("We couldn't send it to %(browser)s.")
