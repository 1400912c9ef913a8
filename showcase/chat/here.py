"""Who is in the room at this moment, and who is typing.

Each page says so every `BEAT_SECONDS`, and is forgotten after `LIFE_SECONDS`: a page that dies says nothing. Others
hear of it by events that are in no log. One that was lost is made good by the next, or by the answer to their own.
"""

from __future__ import annotations

from typing import Any

from django.core.cache import cache

from notifications_hub import publish
from showcase.chat.faces import face_of
from showcase.chat.models import Membership, Room

BEAT_SECONDS = 15
LIFE_SECONDS = 40


def came(membership: Membership, *, typing: bool) -> None:
    room, person = membership.room, membership.person
    cache.set(_key(room, person.pk), face_of(person), LIFE_SECONDS)
    # A script that says so all the time is heard once a second.
    if cache.add(f"{_key(room, person.pk)}:{typing}", True, 1):
        publish(room.topic, "person.here", face_of(person) | {"typing": typing}, ephemeral=True)


def went(membership: Membership) -> None:
    room, person = membership.room, membership.person
    cache.delete(_key(room, person.pk))
    publish(room.topic, "person.gone", face_of(person), ephemeral=True)


def people_in(room: Room) -> list[dict[str, Any]]:
    keys = {_key(room, pk): pk for pk in room.memberships.values_list("person_id", flat=True)}
    found: dict[str, dict[str, Any]] = cache.get_many(list(keys))
    return [found[key] for key in keys if key in found]


def _key(room: Room, person_pk: int) -> str:
    return f"showcase:here:{room.pk}:{person_pk}"
