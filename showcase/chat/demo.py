"""The demo rooms: an open one and a closed one, with messages by Alice and Bob."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from showcase.chat.models import Membership, Message, Room


@dataclass(frozen=True, kw_only=True)
class DemoRoom:
    """A demo room. `talk` lists its messages as author, text and age in minutes."""

    slug: str
    name: str
    is_open: bool
    owner: str
    members: tuple[str, ...]
    talk: tuple[tuple[str, str, float], ...]


ROOMS = (
    DemoRoom(
        slug="lobby",
        name="Lobby",
        is_open=True,
        owner="alice",
        members=("alice", "bob"),
        talk=(
            ("alice", "Good morning. Is the water back on in your street?", 74),
            ("bob", "Since eight. Brown for a minute, then fine.", 71),
            ("bob", "They left the sign up, though.", 70.5),
            ("alice", "Of course they did.", 69),
            ("alice", "I am walking over to the pumping station at noon, to see what they repaired.", 68),
            ("bob", "Take a picture of the old valve if it is still there!", 31),
            ("alice", "I will. It is as tall as I am.", 30),
        ),
    ),
    DemoRoom(
        slug="workshop",
        name="Workshop",
        is_open=False,
        owner="bob",
        members=("alice", "bob"),
        talk=(
            ("bob", "This one is closed: only people I invite can read it.", 300),
            ("bob", "@alice could you look over the ridge map before I print it?", 12),
        ),
    ),
)


def make_rooms(users: Mapping[str, User]) -> None:
    """Create the rooms that do not exist yet."""
    for demo in ROOMS:
        with transaction.atomic():
            _make_room(demo, users)


def _make_room(demo: DemoRoom, users: Mapping[str, User]) -> None:
    values = {"name": demo.name, "is_open": demo.is_open, "owner": users[demo.owner]}
    room, is_new = Room.objects.get_or_create(slug=demo.slug, defaults=values)
    if is_new:
        last = _talk(room, demo.talk, users)
        people = [users[name] for name in demo.members]
        Membership.objects.bulk_create(_member(room, person, last) for person in people)


def _member(room: Room, person: User, last: Message) -> Membership:
    # The last author has read everything; the last message is unread for the others.
    return Membership(room=room, person=person, read_through=last.pk if last.author_id == person.pk else last.pk - 1)


def _talk(room: Room, talk: Sequence[tuple[str, str, float]], users: Mapping[str, User]) -> Message:
    """Create the messages and return the last one."""
    now = timezone.now()
    return [
        Message.objects.create(
            room=room, author=users[name], body=body, client_id=f"demo-{number}", created=now - timedelta(minutes=ago)
        )
        for number, (name, body, ago) in enumerate(talk)
    ][-1]
