"""The delivery methods that each person chose, by kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from notifications_hub.delivery.models import Preference
from notifications_hub.kinds import Kind, get_kind
from notifications_hub.transports import default_methods, locked_methods
from notifications_hub.users import Person


def methods_of(people: Collection[Any], kind: Kind) -> dict[Any, frozenset[str]]:
    """Map people's primary keys to their delivery methods for a kind, in one query: chosen or default, and locked."""
    chosen = dict(Preference.objects.filter(person__in=people, kind=kind.name).values_list("person", "methods"))
    default, locked = default_methods(kind), locked_methods(kind)
    return {pk: locked.union(chosen[pk]) if pk in chosen else default for pk in people}


def methods_by_kind(person_pk: Any) -> dict[str, frozenset[str]]:
    """Return a person's choices by kind. A kind that is missing has its defaults."""
    chosen = Preference.objects.filter(person=person_pk).values_list("kind", "methods")
    return {kind: frozenset(methods) for kind, methods in chosen}


def choose_methods(person: Person, kind_name: str, methods: Iterable[str]) -> None:
    """Store a choice. Raise `UnknownKind`. A delivery method that no transport serves at the moment is stored too."""
    choose_methods_of(person.pk, get_kind(kind_name).name, methods)


def choose_methods_of(person_pk: Any, kind: str, methods: Iterable[str]) -> None:
    """Store a choice as `choose_methods` does, for a person who is known by primary key alone."""
    values = sorted(str(method) for method in methods)
    Preference.objects.update_or_create(person_id=person_pk, kind=kind, defaults={"methods": values})
