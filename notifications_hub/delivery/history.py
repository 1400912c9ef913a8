"""The history of a notification, in order: it answers "why was I (not) notified?"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from django.utils.translation import gettext as _

from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preferences import methods_of
from notifications_hub.delivery.reasons import reason_in_words
from notifications_hub.kinds import DeliveryMethod, kind_of, method_name
from notifications_hub.notification import Notification
from notifications_hub.transports import transport_names
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.web_push.subscriptions import PushSubscription, name_in_words
from notifications_hub.transports.web_push.vapid import current_key


@dataclass(frozen=True, slots=True)
class HistoryStep:
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry of a delivery's trail. Without `attempted`, it was postponed or cancelled and nothing was sent."""

    at: datetime
    state: DeliveryState
    reason: str
    parameters: Mapping[str, str | int]
    status: int | None
    attempted: bool


def entries_of(delivery: Delivery) -> list[HistoryEntry]:
    return [
        HistoryEntry(
            at=datetime.fromisoformat(stored["at"]),
            state=DeliveryState(stored["state"]),
            reason=stored["reason"],
            parameters=stored.get("parameters", {}),
            status=stored.get("status"),
            attempted=stored.get("attempted", True),
        )
        for stored in delivery.trail
    ]


class NoPush(Enum):
    """The reason that no push was planned, judged by the current settings.

    Storing the settings of that time would take a row per person.
    """

    NO_KEY = auto()
    PREFERENCE = auto()
    NO_BROWSER = auto()
    HELD_BACK = auto()
    CHANGED_SINCE = auto()


def why_no_push(notification: Notification) -> NoPush | None:
    """Return the reason that no push was planned, in two queries.

    None means a site without Web Push, or an announcement, whose pushes are not planned per person.
    """
    if DeliveryMethod.WEB_PUSH not in transport_names():
        return None
    person = notification.recipient_id
    if current_key() is None:
        return NoPush.NO_KEY
    if DeliveryMethod.WEB_PUSH not in methods_of([person], kind_of(notification.kind))[person]:
        return NoPush.PREFERENCE
    browsers = PushSubscription.objects.filter(owner=person).values_list("quarantined_at", flat=True)
    if not browsers:
        return NoPush.NO_BROWSER
    if all(browsers):
        return NoPush.HELD_BACK
    return NoPush.CHANGED_SINCE if notification.announcement_id is None else None


def own_addresses(deliveries: list[Delivery]) -> dict[int, OwnAddress]:
    """Map deliveries to the addresses of people's own that they go to. Removed ones are left out."""
    possible = {one.pk: one for one in deliveries if one.address.isdecimal() and not _goes_to_browser(one)}
    if not possible:
        return {}
    rows = OwnAddress.objects.in_bulk([int(one.address) for one in possible.values()])
    found = {pk: rows.get(int(one.address)) for pk, one in possible.items()}
    return {pk: row for pk, row in found.items() if row is not None and row.transport == possible[pk].transport}


def browser_names(deliveries: list[Delivery]) -> dict[int, str]:
    """Map deliveries to the names of their browsers. Browsers that were removed are left out."""
    pushes = {delivery.pk: int(delivery.address) for delivery in deliveries if _goes_to_browser(delivery)}
    browsers = dict(PushSubscription.objects.filter(pk__in=pushes.values()).values_list("pk", "name"))
    return {pk: name_in_words(browsers[browser]) for pk, browser in pushes.items() if browsers.get(browser)}


def steps_of(notification: Notification) -> list[HistoryStep]:
    """Return the history for admins, in two queries, or four if no delivery was planned."""
    deliveries = list(notification.deliveries.order_by("pk"))
    # The name that a person gave an address is theirs alone.
    names = browser_names(deliveries) | {pk: row.where for pk, row in own_addresses(deliveries).items()}
    steps = [*_own_steps(notification)]
    if not deliveries and (reason := why_no_push(notification)):
        steps.append(HistoryStep(notification.timestamp, _no_push(reason)))
    for delivery in deliveries:
        steps += _delivery_steps(delivery, names.get(delivery.pk, _("an address")))
    return sorted(steps, key=lambda step: step.at)


def _no_push(reason: NoPush) -> str:
    return {
        NoPush.NO_KEY: _("No push: this site has no VAPID key."),
        NoPush.PREFERENCE: _("No push: the person's current preferences turn it off for this kind."),
        NoPush.NO_BROWSER: _("No push: the person has not turned on push in any browser."),
        NoPush.HELD_BACK: _("No push: push is paused in every browser of the person."),
        NoPush.CHANGED_SINCE: _("No push: it was probably turned on later, since nothing prevents it now."),
    }[reason]


def _own_steps(notification: Notification) -> Iterator[HistoryStep]:
    yield HistoryStep(notification.timestamp, _("It happened."))
    method = method_name(notification.delivered_by) or "?"
    happened = (
        (notification.delivered_at, _("Delivered (%(method)s).") % {"method": method}),
        (notification.seen_at, _("The person saw it in their notification list.")),
        (notification.read_at, _("The person read it.")),
        (notification.archived_at, _("The person archived it.")),
    )
    yield from (HistoryStep(at, words) for at, words in happened if at is not None)


def _delivery_steps(delivery: Delivery, address: str) -> Iterator[HistoryStep]:
    names = {"transport": method_name(delivery.transport), "address": address}
    if delivery.is_retraction:
        yield from _retraction_steps(delivery, names)
        return
    yield HistoryStep(delivery.created, _("Planned: %(transport)s to %(address)s.") % names)
    for entry in entries_of(delivery):
        yield HistoryStep(entry.at, _entry(entry, names))
    if delivery.settled_at and not is_in_trail(delivery):
        how = {"state": delivery.get_state_display(), "reason": _sentence(delivery.reason, delivery.reason_parameters)}
        yield HistoryStep(delivery.settled_at, _became() % {**names, **how})
    elif delivery.state == DeliveryState.WAITING:
        yield HistoryStep(delivery.due_at, _("Due: %(transport)s to %(address)s.") % names)


def _retraction_steps(delivery: Delivery, names: Mapping[str, str]) -> Iterator[HistoryStep]:
    if not delivery.settled_at:
        yield HistoryStep(delivery.due_at, _("To be taken back, %(transport)s to %(address)s.") % names)
    elif delivery.state == DeliveryState.SENT:
        yield HistoryStep(delivery.settled_at, _("Taken back, %(transport)s to %(address)s.") % names)
    else:
        reason = {"reason": _sentence(delivery.reason, delivery.reason_parameters)}
        words = _("Not taken back, %(transport)s to %(address)s. %(reason)s.")
        yield HistoryStep(delivery.settled_at, words % {**names, **reason})


def _entry(entry: HistoryEntry, names: Mapping[str, str]) -> str:
    words = _sentence(entry.reason, entry.parameters)
    reason = words if entry.status is None or str(entry.status) in words else f"{words} ({entry.status})"
    template = _became()
    if entry.attempted:
        template = _("Attempt, %(transport)s to %(address)s: %(state)s. %(reason)s.")
    elif entry.state == DeliveryState.WAITING:
        template = _("%(transport)s to %(address)s. %(reason)s.")
    return template % {**names, "state": str(entry.state.label), "reason": reason}


def _became() -> str:
    return _("%(transport)s to %(address)s: %(state)s. %(reason)s.")


def _sentence(reason: str, parameters: Mapping[str, str | int]) -> str:
    words = reason_in_words(reason, parameters).rstrip(".。")
    return words[:1].upper() + words[1:]


def is_in_trail(delivery: Delivery) -> bool:
    """Return whether the trail's last entry is how the delivery ended. A disarmed delivery has no such entry."""
    return bool(delivery.trail) and delivery.trail[-1]["state"] == delivery.state


def _goes_to_browser(delivery: Delivery) -> bool:
    return delivery.transport == "web_push" and delivery.address.isdecimal()
