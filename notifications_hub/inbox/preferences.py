"""By which roads a person wants to hear of each kind, as rows of a form."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from notifications_hub import delivery, transaction
from notifications_hub.kinds import Kind, Road, all_kinds
from notifications_hub.people import Person

ROADS = {
    Road.LIVE: _("While you are here"),
    Road.FLASH: _("On the next page"),
    Road.WEB_PUSH: _("Push"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A checkbox, named `<kind>:<road>`. What is `locked` is not a person's to choose."""

    name: str
    label: str
    checked: bool
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    label: str
    roads: list[Choice]


def form_rows(person: Person) -> list[Row]:
    chosen = delivery.roads_by_kind(person)
    return [_row(kind, chosen.get(kind.name, kind.roads)) for kind in _optional_kinds()]


def _row(kind: Kind, roads: Container[Road]) -> Row:
    choices = [Choice(road.value, str(label), road in roads) for road, label in ROADS.items()]
    return Row(kind.name, str(kind.label or kind.name), choices)


def _optional_kinds() -> list[Kind]:
    return [kind for kind in all_kinds() if kind.optional]


def save(person: Person, checked: Container[str]) -> None:
    """Keeps what differs from before: who never chose otherwise follows a kind's defaults when these change."""
    chosen = delivery.roads_by_kind(person)
    with transaction.atomic():
        for kind in _optional_kinds():
            before = chosen.get(kind.name, kind.roads)
            shown = {road for road in ROADS if f"{kind.name}:{road.value}" in checked}
            # A road that the form does not offer is left as it was.
            after = before.difference(ROADS) | shown
            if after != before:
                delivery.choose_roads(person, kind.name, after)
