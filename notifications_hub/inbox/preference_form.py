"""The preferences form as browsers send it without a script: every checkbox, and a button for many of them at once."""

from __future__ import annotations

from collections.abc import Container, Mapping

from django.http import QueryDict

from notifications_hub.database import transaction
from notifications_hub.inbox.preference_changes import Wanted, save
from notifications_hub.inbox.preference_table import listed_kinds
from notifications_hub.kinds import DeliveryMethod, Digest, Kind
from notifications_hub.transports import locked_methods, transport_names
from notifications_hub.users import Person

SHOWN = "shown"
"""The name of the fields that list the kinds of the form."""
WHOLE, RESET = "whole", "reset"
"""The names of the buttons. Their values are `<method>:on` or `<method>:off:<group>`, and the name of a kind."""


def save_form(person: Person, posted: QueryDict) -> None:
    """Store what is checked, and then what a button wants. Raise `Refused` for an unknown button, and store nothing.

    Delivery methods that the form does not offer keep their state: their transport may be back tomorrow. So do kinds
    that it did not show, since an app may have declared them only after that.
    """
    shown = set(posted.getlist(SHOWN))
    checked = {kind.name: _switches(kind, posted) for kind in listed_kinds() if kind.optional and kind.name in shown}
    with transaction.atomic():
        save(person, Wanted(kinds=checked, digests=_digests(posted)))
        save(person, _pressed(posted))


def _switches(kind: Kind, checked: Container[str]) -> dict[str, bool]:
    offered = {DeliveryMethod.LIVE.value, DeliveryMethod.FLASH.value, *transport_names()} - locked_methods(kind)
    return {method: f"{kind.name}:{method}" in checked for method in offered}


def _digests(posted: Mapping[str, str]) -> dict[str, Digest]:
    given = {kind.name: posted.get(f"digest:{kind.name}") for kind in listed_kinds()}
    return {name: Digest(digest) for name, digest in given.items() if digest in set(Digest)}


def _pressed(posted: Mapping[str, str]) -> Wanted:
    if RESET in posted:
        return Wanted(reset=[posted[RESET]])
    if WHOLE not in posted:
        return Wanted()
    method, _colon, rest = posted[WHOLE].partition(":")
    state, has_group, group = rest.partition(":")
    switches = {method: state == "on"}
    return Wanted(groups={group: switches}) if has_group else Wanted(everything=switches)
