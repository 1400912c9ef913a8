"""The deliveries that people's choices ask for: one to each address of each delivery method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from notifications_hub.delivery.arming import Plan
from notifications_hub.kinds import Kind
from notifications_hub.notification import Notification
from notifications_hub.transports import delay_of
from notifications_hub.transports.address_lookup import find_addresses


def plans_for(
    kind: Kind,
    rows: Sequence[Notification],
    methods: Mapping[Any, frozenset[str]],
    transports: Sequence[str],
    wakes: Mapping[int, int] | None = None,
) -> Iterator[Plan]:
    """Yield the plans for notifications of a kind, at most one of each person. `methods` are people's choices.

    `wakes` says of each notification how often it has come back from a snooze.
    """
    of_person = {row.recipient_id: row for row in rows}
    for name in transports:
        wanting = [row.recipient for row in rows if name in methods[row.recipient_id]]
        found = find_addresses(name, wanting) if wanting else {}
        delay = delay_of(name, kind)
        for pk, addresses in found.items():
            row = of_person[pk].pk
            wake = wakes[row] if wakes else 0
            for address in addresses:
                yield Plan(notification_pk=row, transport=name, address=address, delay=delay, wake=wake)
