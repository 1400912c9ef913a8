"""Which delivery methods each person chose, by kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from notifications_hub.delivery.models import Preference
from notifications_hub.kinds import Kind, get_kind
from notifications_hub.users import Person


def roads_of(people: Collection[Any], kind: Kind) -> dict[Any, frozenset[str]]:
    """Primary key of a person to the roads they chose for a kind. One query."""
    chosen = dict(Preference.objects.filter(person__in=people, kind=kind.name).values_list("person", "roads"))
    return {pk: frozenset(chosen.get(pk, kind.roads)) for pk in people}


def roads_by_kind(person: Person) -> dict[str, frozenset[str]]:
    """What a person chose; a kind that is not in it has its own defaults."""
    chosen = Preference.objects.filter(person=person).values_list("kind", "roads")
    return {kind: frozenset(roads) for kind, roads in chosen}


def choose_roads(person: Person, kind_name: str, roads: Iterable[str]) -> None:
    """Store a choice, also of a road that no transport serves at the moment. Raises `UnknownKind`."""
    kind = get_kind(kind_name)
    values = sorted(str(road) for road in roads)
    Preference.objects.update_or_create(person=person, kind=kind.name, defaults={"roads": values})
