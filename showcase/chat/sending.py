"""Sending a message. The message, its event and the notifications of mentions commit in one transaction."""

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
from showcase.chat.mentions import notify_mentioned
from showcase.chat.models import Membership, Message, Room

MAX_MESSAGES = 10
WINDOW = timedelta(seconds=10)
"""The rate limit, messages per time: above what a person types, and below what a script would send."""


class TooFast(Exception):
    """Raised above the rate limit. The next message may be sent in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Sent:
    message: Message
    is_new: bool


def send(room: Room, author: User, body: str, client_id: str) -> Sent:
    """Store a message, or return the one stored before under this client id.

    Raise `PermissionDenied` for a person who is not a member, and `TooFast` above the rate limit.
    """
    with transaction.atomic():
        # Locked until the commit, which serialises the sends of one person with each other and with their removal.
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
    first = next(iter(newest[MAX_MESSAGES - 1 : MAX_MESSAGES]), None)
    if first is not None and (left := first + WINDOW - timezone.now()) > timedelta(0):
        raise TooFast(left.total_seconds())


def _write(mine: Membership, room: Room, author: User, body: str, client_id: str) -> Message:
    message = Message.objects.create(room=room, author=author, body=body, client_id=client_id)
    publish(room.topic, "message.created", as_json(message))
    notify_mentioned(message)
    rooms.read(mine, message.pk)
    return message
