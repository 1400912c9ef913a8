"""Tally what people do with a kind, in the transaction in which they do it: one appended row, and no counter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from notifications_hub.kinds import EVERY_KIND, kind_of
from notifications_hub.transports import default_methods, locked_methods
from notifications_hub.use.models import Source, UseTally, What

Switch = tuple[str, str]
"""A kind and one of its delivery methods, or an empty text for all of them."""


def tally_choices(
    before: Mapping[str, frozenset[str]], changes: Mapping[str, frozenset[str] | None], source: Source
) -> None:
    """Count what one person has switched off, and on again, by their choices before and after a change.

    Both are sums of what each choice leaves out, so their difference is always how many people have it off.
    """
    was = {switch for kind in changes for switch in _off(kind, before.get(kind))}
    now = {switch for kind, methods in changes.items() for switch in _off(kind, methods)}
    at = datetime.now(UTC)
    UseTally.objects.bulk_create(
        UseTally(what=what, kind=kind, method=method[:20], detail=source, at=at, number=1)
        for what, switches in ((What.OFF, now - was), (What.ON, was - now))
        for kind, method in sorted(switches)
    )


def tally_action(kind: str, action: str) -> None:
    UseTally.objects.create(what=What.ACTED, kind=kind, detail=action[:100], at=datetime.now(UTC), number=1)


def _off(name: str, methods: Collection[str] | None) -> set[Switch]:
    """Return what a choice leaves out of the defaults. Without a choice, nothing is off."""
    if methods is None:
        return set()
    if name == EVERY_KIND:
        return {(name, method) for method in methods}
    kind = kind_of(name)
    defaults = default_methods(kind) - locked_methods(kind)
    off = {(name, method) for method in defaults.difference(methods)}
    return off | {(name, "")} if off and len(off) == len(defaults) else off
