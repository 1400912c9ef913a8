"""System check of the icons that kinds name."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from django.core.checks import CheckMessage, Error

from notifications_hub.kinds import Kind, all_kinds
from notifications_hub.web.icons import NoIcon, file_of, icon_named, own_icons


def check_icons() -> Iterator[CheckMessage]:
    """Report each kind whose icon does not exist, with the nearest name that does."""
    for kind in all_kinds():
        try:
            icon: object = kind.icon
        except Exception as error:  # noqa: BLE001 -- a kind is the host's code, and any fault of it is reported
            yield _fault(kind, f"has an icon that raises {error!r}", "Write the name of an icon, such as 'bell'.")
            continue
        if not isinstance(icon, str):
            yield _fault(kind, f"has icon = {icon!r}", "Write the name of an icon, such as 'bell'.")
            continue
        try:
            icon_named(icon)
        except NoIcon:
            yield _fault(kind, f"names an unknown icon: {icon!r}", _remedy(icon))


def _fault(kind: Kind, words: str, hint: str) -> Error:
    return Error(f"The kind {kind.name!r} {words}.", hint=hint, obj=type(kind), id="notifications_hub.E093")


def _remedy(icon: str) -> str:
    near = get_close_matches(icon, own_icons(), n=1)
    first = f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(own_icons())}."
    return f"{first} For an icon of your own, add its SVG file to a templates folder as {file_of(icon)}."
