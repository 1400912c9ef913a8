"""What became of a notification, in the order it happened: the answer to "why was I (not) told?"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from notifications_hub.delivery import Delivery, State
from notifications_hub.notification import Notification
from notifications_hub.transports.subscriptions import PushSubscription


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    words: str


def steps_of(notification: Notification) -> list[Step]:
    """Two queries."""
    deliveries = list(notification.deliveries.order_by("pk"))
    names = _names(deliveries)
    steps = [*_own_steps(notification)]
    for delivery in deliveries:
        steps += _delivery_steps(delivery, names.get(delivery.pk, delivery.address))
    return sorted(steps, key=lambda step: step.at)


def _own_steps(notification: Notification) -> Iterator[Step]:
    yield Step(notification.timestamp, _("It happened."))
    happened = (
        (notification.told_at, _("The person was told, by %(road)s.") % {"road": notification.told_by or "?"}),
        (notification.seen_at, _("The person opened the bell on it.")),
        (notification.read_at, _("The person read it.")),
        (notification.archived_at, _("The person archived it.")),
    )
    yield from (Step(at, words) for at, words in happened if at is not None)


def _delivery_steps(delivery: Delivery, address: str) -> Iterator[Step]:
    names = {"transport": delivery.transport, "address": address}
    yield Step(delivery.created, _("Planned: %(transport)s to %(address)s.") % names)
    for attempt in delivery.trail:
        yield Step(datetime.fromisoformat(attempt["at"]), _attempt(attempt, names))
    if delivery.settled_at and not _is_last_attempt(delivery):
        state = {"state": delivery.get_state_display(), "reason": delivery.reason}
        yield Step(delivery.settled_at, _("%(transport)s to %(address)s: %(state)s, %(reason)s.") % (names | state))
    elif delivery.state == State.WAITING:
        yield Step(delivery.due_at, _("Due: %(transport)s to %(address)s.") % names)


def _attempt(attempt: Mapping[str, Any], names: Mapping[str, str]) -> str:
    status = f" ({attempt['status']})" if "status" in attempt else ""
    state = State(attempt["state"]).label
    how = {"state": str(state), "reason": f"{attempt['reason']}{status}"}
    return _("Attempt, %(transport)s to %(address)s: %(state)s, %(reason)s.") % {**names, **how}


def _is_last_attempt(delivery: Delivery) -> bool:
    return bool(delivery.trail) and delivery.trail[-1]["state"] == delivery.state


def _names(deliveries: list[Delivery]) -> dict[int, str]:
    """Delivery to the name of its browser, where it goes to one that is still there."""
    pushes = {delivery.pk: int(delivery.address) for delivery in deliveries if _goes_to_browser(delivery)}
    browsers = dict(PushSubscription.objects.filter(pk__in=pushes.values()).values_list("pk", "name"))
    return {pk: browsers[browser] for pk, browser in pushes.items() if browsers.get(browser)}


def _goes_to_browser(delivery: Delivery) -> bool:
    return delivery.transport == "web_push" and delivery.address.isdecimal()
