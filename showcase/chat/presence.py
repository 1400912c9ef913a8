"""Presence in a room: the people who have it open, and those who are typing.

A page reports every `BEAT_SECONDS` and expires after `LIFE_SECONDS`, because a crashed page cannot report that it is
gone. Other pages learn of it from ephemeral events. The next event, or the response to their own report, makes up for
a lost one.
"""

from __future__ import annotations

from typing import Any

from django.core.cache import cache

from notifications_hub import publish
from showcase.chat.faces import face_of
from showcase.chat.models import Membership, Room

BEAT_SECONDS = 15
LIFE_SECONDS = 40


def mark_present(membership: Membership, *, typing: bool) -> None:
    room, person = membership.room, membership.person
    cache.set(_key(room, person.pk), face_of(person), LIFE_SECONDS)
    # Publish at most once a second, however often a script reports.
    if cache.add(f"{_key(room, person.pk)}:{typing}", True, 1):
        publish(room.topic, "person.here", face_of(person) | {"typing": typing}, ephemeral=True)


def mark_gone(membership: Membership) -> None:
    room, person = membership.room, membership.person
    cache.delete(_key(room, person.pk))
    publish(room.topic, "person.gone", face_of(person), ephemeral=True)


def people_in(room: Room) -> list[dict[str, Any]]:
    keys = {_key(room, pk): pk for pk in room.memberships.values_list("person_id", flat=True)}
    found: dict[str, dict[str, Any]] = cache.get_many(list(keys))
    return [found[key] for key in keys if key in found]


def _key(room: Room, person_pk: int) -> str:
    return f"showcase:here:{room.pk}:{person_pk}"
