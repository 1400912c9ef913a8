"""The delivery methods of an announcement: those that its author chose, unless the person prefers fewer."""

from __future__ import annotations

from collections.abc import Collection

from notifications_hub.kinds import DeliveryMethod, Urgency
from notifications_hub.transports import transport_names


def all_methods() -> list[str]:
    """Return every delivery method of this site. An author can choose each."""
    return [DeliveryMethod.LIVE.value, DeliveryMethod.FLASH.value, *transport_names()]


def has_toast(chosen: Collection[str] | None) -> bool:
    """Return whether open pages show an announcement with these methods. Only then can a page acknowledge it."""
    return chosen is None or DeliveryMethod.LIVE in chosen


def methods_for(chosen: Collection[str] | None, urgency: str, preferred: Collection[str]) -> frozenset[str]:
    """Return the delivery methods that reach a person.

    `chosen` is the author's choice, or None. A critical announcement uses all of these, whatever the person prefers.
    """
    possible = frozenset(all_methods() if chosen is None else chosen)
    return possible if urgency == Urgency.CRITICAL else possible.intersection(preferred)
