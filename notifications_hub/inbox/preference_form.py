"""Build and save the preferences form: one row per kind, one checkbox per delivery method."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from notifications_hub.database import transaction
from notifications_hub.delivery import preferences
from notifications_hub.kinds import DeliveryMethod, Kind, all_kinds
from notifications_hub.transports import default_methods, locked_methods, transport_label, transport_names
from notifications_hub.users import Person


@dataclass(frozen=True, slots=True)
class Choice:
    """A checkbox named `<kind>:<delivery method>`. The person cannot change one that is `locked`."""

    name: str
    label: str
    checked: bool
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    label: str
    methods: list[Choice]


def form_rows(person: Person) -> list[Row]:
    chosen, offered = preferences.methods_by_kind(person.pk), _offered()
    return [_row(kind, chosen.get(kind.name, default_methods(kind)), offered) for kind in _optional_kinds()]


def locked_labels(rows: list[Row]) -> dict[str, str]:
    """Return the labels of the delivery methods with a locked switch, by name."""
    return {choice.name: choice.label for row in rows for choice in row.methods if choice.locked}


def _offered() -> dict[str, str]:
    """Return the labels of the delivery methods to choose from: the two that pages serve, and each transport."""
    of_pages = {
        DeliveryMethod.LIVE.value: str(_("While you are here")),
        DeliveryMethod.FLASH.value: str(_("On the next page")),
    }
    return of_pages | {name: transport_label(name) for name in transport_names()}


def _row(kind: Kind, methods: Container[str], offered: Mapping[str, str]) -> Row:
    locked = locked_methods(kind)
    choices = [
        Choice(method, label, checked=method in methods or method in locked, locked=method in locked)
        for method, label in offered.items()
    ]
    return Row(kind.name, str(kind.label or kind.name), choices)


def _optional_kinds() -> list[Kind]:
    return [kind for kind in all_kinds() if kind.optional]


def save(person: Person, checked: Container[str]) -> None:
    """Store choices that changed. A person who never chose keeps following the kind's defaults."""
    chosen, offered = (
        preferences.methods_by_kind(person.pk),
        {DeliveryMethod.LIVE, DeliveryMethod.FLASH, *transport_names()},
    )
    with transaction.atomic():
        for kind in _optional_kinds():
            locked = locked_methods(kind)
            before = locked.union(chosen.get(kind.name, default_methods(kind)))
            shown = {method for method in offered if f"{kind.name}:{method}" in checked}
            # Keep choices that the form does not offer: their transport may be back tomorrow.
            after = before - offered | shown | locked
            if after != before:
                preferences.choose_methods(person, kind.name, after)
