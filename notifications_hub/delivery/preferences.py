"""The delivery methods that each person chose, by kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from notifications_hub.delivery.models import Delivery, Preference
from notifications_hub.kinds import Kind, get_kind, kind_of
from notifications_hub.transports import default_methods, locked_methods
from notifications_hub.users import Person


def methods_of(people: Collection[Any], kind: Kind) -> dict[Any, frozenset[str]]:
    """Map people's primary keys to their delivery methods for a kind, in one query: chosen or default, and locked."""
    chosen = dict(_chosen_methods().filter(person__in=people, kind=kind.name).values_list("person", "methods"))
    default, locked = default_methods(kind), locked_methods(kind)
    return {pk: locked.union(chosen[pk]) if pk in chosen else default for pk in people}


def methods_by_kind(person_pk: Any) -> dict[str, frozenset[str]]:
    """Return a person's choices by kind. A kind that is missing has its defaults."""
    chosen = _chosen_methods().filter(person=person_pk).values_list("kind", "methods")
    return {kind: frozenset(methods) for kind, methods in chosen}


def switched_off(deliveries: Collection[Delivery]) -> set[int]:
    """Return those, by primary key, whose person has switched their delivery method off. It takes one query."""
    if not deliveries:
        return set()
    people = {one.notification.recipient_id for one in deliveries}
    kinds = {one.notification.kind for one in deliveries}
    stored = _chosen_methods().filter(person__in=people, kind__in=kinds).values_list("person", "kind", "methods")
    chosen = {(person, kind): locked_methods(kind_of(kind)).union(methods) for person, kind, methods in stored}
    everything = frozenset(one.transport for one in deliveries)
    return {
        one.pk
        for one in deliveries
        if one.transport not in chosen.get((one.notification.recipient_id, one.notification.kind), everything)
    }


def choose_methods(person: Person, kind_name: str, methods: Iterable[str]) -> None:
    """Store a choice. Raise `UnknownKind`. A delivery method that no transport serves at the moment is stored too."""
    choose_methods_of(person.pk, get_kind(kind_name).name, methods)


def choose_methods_of(person_pk: Any, kind: str, methods: Iterable[str]) -> None:
    """Store a choice as `choose_methods` does, for a person who is known by primary key alone."""
    values = sorted(str(method) for method in methods)
    Preference.objects.update_or_create(person_id=person_pk, kind=kind, defaults={"methods": values})


def _chosen_methods() -> Any:
    return Preference.objects.filter(methods__isnull=False)
