"""Presence in a room: the people who have it open, as the hub records them, and those who are typing.

A page also listens to the person's other rooms, so the people who have a room open listen to a topic of its own.
"""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.dispatch import receiver

from accounts.models import User
from notifications_hub import joined, left, present, publish
from showcase.chat.faces import face_of
from showcase.chat.models import PRESENCE_PREFIX, Membership, Room


def people_in(room: Room) -> list[dict[str, Any]]:
    """Return the members who have the room open, in the order in which they became members."""
    members = present(room.presence_topic).filter(memberships__room=room)
    return [face_of(person) for person in members.order_by("memberships__joined")]


def report_typing(membership: Membership) -> None:
    room, person = membership.room, membership.person
    # Publish at most once a second, however often a script reports.
    if cache.add(f"showcase:typing:{room.pk}:{person.pk}", True, 1):
        publish(room.presence_topic, "person.typing", face_of(person), ephemeral=True)


@receiver(joined)
def publish_joined(topic: str, user: User, **kwargs: Any) -> None:
    # Logged, so that a page that polls or reconnects applies it too.
    if topic.startswith(PRESENCE_PREFIX):
        publish(topic, "person.joined", face_of(user))


@receiver(left)
def publish_left(topic: str, user: User, **kwargs: Any) -> None:
    if topic.startswith(PRESENCE_PREFIX):
        publish(topic, "person.left", face_of(user))
