"""People's choices of how often emails come, by kind. They stay beside those of delivery methods."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from notifications_hub.delivery.models import Preference
from notifications_hub.kinds import Digest, Kind, get_kind, kind_of
from notifications_hub.users import Person

_DIGESTS = frozenset(map(str, Digest))


def digest_of(kind: Kind, chosen: str | None) -> Digest:
    """Return how often emails of a kind come, by what a person chose. An unknown word counts as no choice."""
    known = (one for one in (chosen, kind.digest) if one in _DIGESTS)
    return Digest(next(known, Digest.AT_ONCE))


def digests_by_kind(person_pk: Any) -> dict[str, Digest]:
    """Return how often a person chose to get emails, by kind. A kind that is missing has its default."""
    chosen = _chosen([person_pk]).values_list("kind", "digest")
    return {name: digest_of(kind_of(name), digest) for name, digest in chosen}


def digests_among(people: Collection[Any], kinds: Collection[str]) -> dict[tuple[Any, str], str]:
    """Map people, by primary key, and kinds to the digest that they chose, in one query."""
    chosen = _chosen(people).filter(kind__in=kinds).values_list("person", "kind", "digest")
    return {(person, kind): digest for person, kind, digest in chosen}


def choose_digest(person: Person, kind_name: str, digest: Digest | None) -> None:
    """Store how often emails of a kind come; None: the kind's default. Raise `UnknownKind`.

    `quiet_hours.digests.save_digests` also moves what waits.
    """
    kind = get_kind(kind_name).name
    Preference.objects.update_or_create(person_id=person.pk, kind=kind, defaults={"digest": digest or ""})


def _chosen(people: Collection[Any]) -> Any:
    return Preference.objects.filter(person__in=people).exclude(digest="")
