"""The delivery methods that each person chose: by kind, and those that are off for every kind.

A row of the kind `*` lists the methods that a person switched off as a whole. It holds for kinds without a row of their
own, so also for those that are declared later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model

from notifications_hub import streams
from notifications_hub.database import transaction
from notifications_hub.delivery.models import Delivery, Preference
from notifications_hub.kinds import EVERY_KIND, Kind, Urgency, get_kind, kind_of
from notifications_hub.rendering import urgency_of
from notifications_hub.streams.models import inbox_topic
from notifications_hub.transports import default_methods, locked_methods
from notifications_hub.use.models import Source
from notifications_hub.use.tallies import tally_choices
from notifications_hub.users import Person

CHANGED = "preferences.updated"
"""The event that tells a person's open pages. They read the new choices themselves."""

Changes = Mapping[str, frozenset[str] | None]
"""New rows by kind. None removes one."""


@dataclass(frozen=True, slots=True)
class Choices:
    """A person's choices: the delivery methods by kind, and those that are off for kinds without a choice."""

    own: Mapping[str, frozenset[str]] = field(default_factory=dict)
    off: frozenset[str] = frozenset()

    def methods(self, kind: Kind) -> frozenset[str]:
        """Return the delivery methods for a kind: chosen or default, and locked. A kind may allow no choice."""
        default = default_methods(kind)
        if not kind.optional:
            return default
        return locked_methods(kind) | self.own.get(kind.name, default - self.off)

    def as_rows(self) -> dict[str, frozenset[str]]:
        return {**self.own, EVERY_KIND: self.off} if self.off else dict(self.own)


def methods_of(people: Collection[Any], kind: Kind) -> dict[Any, frozenset[str]]:
    """Map people's primary keys to their delivery methods for a kind, in one query: chosen or default, and locked."""
    found = _stored(people, {kind.name}) if kind.optional else {}
    nothing = Choices()
    return {pk: found.get(pk, nothing).methods(kind) for pk in people}


def choices_of(person_pk: Any) -> Choices:
    """Return all choices of a person, in one query."""
    return _choices(_with_methods().filter(person=person_pk).values_list("kind", "methods"))


def switched_off(deliveries: Collection[Delivery]) -> set[int]:
    """Return those, by primary key, whose person has switched their delivery method off. It takes one query."""
    if not deliveries:
        return set()
    people = {one.notification.recipient_id for one in deliveries}
    found = _stored(people, {one.notification.kind for one in deliveries})
    return {one.pk for one in deliveries if _is_off(one, found.get(one.notification.recipient_id))}


def _is_off(one: Delivery, choices: Choices | None) -> bool:
    """Return whether a choice is against it. Without one, it was planned for another reason than a default."""
    name = one.notification.kind
    return _is_against(one.transport, kind_of(name), name, choices)


def _is_against(method: str, kind: Kind, name: str, choices: Choices | None) -> bool:
    """Return whether the choices are against a method. `name` is that of the stored kind, whose app may be gone."""
    if choices is None or not kind.optional or method in locked_methods(kind):
        return False
    return method not in choices.own[name] if name in choices.own else method in choices.off


def _stored(people: Collection[Any], kinds: Collection[str]) -> dict[Any, Choices]:
    """Return the choices about some kinds, of people who have any."""
    rows = _with_methods().filter(person__in=people, kind__in=[*kinds, EVERY_KIND])
    by_person: dict[Any, list[tuple[str, Any]]] = defaultdict(list)
    for person, kind, methods in rows.values_list("person", "kind", "methods"):
        by_person[person].append((kind, methods))
    return {person: _choices(found) for person, found in by_person.items()}


def _with_methods() -> Any:
    """Return the rows that choose methods. Others only say how often emails come."""
    return Preference.objects.filter(methods__isnull=False)


def _choices(rows: Iterable[tuple[str, Any]]) -> Choices:
    own = {kind: frozenset(methods) for kind, methods in rows}
    return Choices(own, own.pop(EVERY_KIND, frozenset()))


def has_switched_off(person_pk: Any, kind: Kind, method: str) -> bool:
    """Return whether a person has switched a method off that an escalation would use. It takes one query.

    Without a choice of theirs, nothing is off: an escalation may use more than the kind's default methods.
    """
    if overrules_preferences(kind):
        return False
    return _is_against(method, kind, kind.name, _stored([person_pk], {kind.name}).get(person_pk))


def overrules_preferences(kind: Kind) -> bool:
    """Return whether an escalation of the kind goes on by a method that its person has switched off."""
    return not kind.optional or urgency_of(kind) is Urgency.CRITICAL


# Saving


def choose_methods(person: Person, kind_name: str, methods: Iterable[str]) -> None:
    """Store a choice. Raise `UnknownKind`. A delivery method that no transport serves at the moment is stored too."""
    chosen = {get_kind(kind_name).name: frozenset(str(method) for method in methods)}
    change(person.pk, lambda _before: chosen)


def change(person_pk: Any, decide: Callable[[Choices], Changes], source: Source = Source.CODE) -> Changes:
    """Store what `decide` makes of a person's choices, and tell their open pages. Return what changed.

    Two changes at the same time wait for each other, so that none undoes the other. `source` is where it was made.
    """
    with transaction.atomic():
        person = get_user_model()._base_manager.select_for_update(no_key=True).filter(pk=person_pk)
        list(person.values_list("pk"))
        choices = choices_of(person_pk)
        before = choices.as_rows()
        changes = {kind: methods for kind, methods in decide(choices).items() if methods != before.get(kind)}
        if changes:
            _store(person_pk, changes)
            tally_choices(before, changes, source)
            tell_pages(person_pk)
    return changes


def tell_pages(person_pk: Any) -> None:
    """Tell a person's open pages, in the caller's transaction, that their preferences have changed."""
    streams.append(inbox_topic(person_pk), CHANGED, {})


def _store(person_pk: Any, changes: Changes) -> None:
    gone = [kind for kind, methods in changes.items() if methods is None]
    if gone:
        rows_gone = Preference.objects.filter(person=person_pk, kind__in=gone)
        rows_gone.filter(digest="").delete()
        # The rest of them says how often emails come, which stays.
        rows_gone.update(methods=None)
    rows = [
        Preference(person_id=person_pk, kind=kind, methods=sorted(methods))
        for kind, methods in sorted(changes.items())
        if methods is not None
    ]
    Preference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["person", "kind"], update_fields=["methods"]
    )
