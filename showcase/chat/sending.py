"""A message, the event of it and the word to whom it mentions: they commit together or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from notifications_hub import publish
from showcase.chat import rooms
from showcase.chat.faces import as_json
from showcase.chat.mentions import tell_mentioned
from showcase.chat.models import Membership, Message, Room

MOST = 10
WINDOW = timedelta(seconds=10)
"""At most so many messages in this time: more than anybody types, and less than a script would like."""


class TooFast(Exception):
    """`seconds` until the next may be sent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Sent:
    message: Message
    is_new: bool


def send(room: Room, author: User, body: str, client_id: str) -> Sent:
    """The message with this client id, made if there is none yet. Raises `PermissionDenied` and `TooFast`."""
    with transaction.atomic():
        # Held until the commit: two sends of one person follow each other, and whoever is removed has sent or has not.
        mine = Membership.objects.select_for_update(no_key=True).filter(room=room, person=author).first()
        if mine is None:
            raise PermissionDenied
        known = Message.objects.filter(room=room, author=author, client_id=client_id).first()
        if known is not None:
            return Sent(known, is_new=False)
        _check_pace(author)
        return Sent(_write(mine, room, author, body, client_id), is_new=True)


def _check_pace(author: User) -> None:
    newest = Message.objects.filter(author=author).order_by("-pk").values_list("created", flat=True)
    first = next(iter(newest[MOST - 1 : MOST]), None)
    if first is not None and (left := first + WINDOW - timezone.now()) > timedelta(0):
        raise TooFast(left.total_seconds())


def _write(mine: Membership, room: Room, author: User, body: str, client_id: str) -> Message:
    message = Message.objects.create(room=room, author=author, body=body, client_id=client_id)
    publish(room.topic, "message.created", as_json(message))
    tell_mentioned(message)
    rooms.read(mine, message.pk)
    return message
