"""@bob in a message, and how Bob is told of it."""

from __future__ import annotations

import re

from django.db.models.functions import Lower
from notifications.signals import notify

from showcase.chat.models import Message

EXCERPT = 200
MOST = 20
"""People one message may call; a bot that calls everybody is no conversation."""

# Django's usernames may hold all of this, and a sentence may end in some of it.
_NAME = re.compile(r"(?<![\w@.+-])@([\w.@+-]+)")
_PUNCTUATION = ".@+-"


def names_in(body: str) -> set[str]:
    """Usernames in lower case, whether or not there are such people."""
    found = [match[1].lower() for match in _NAME.finditer(body)][:MOST]
    return {name for written in found for name in (written, written.rstrip(_PUNCTUATION)) if name}


def tell_mentioned(message: Message) -> None:
    """Tells members alone: a name in a message opens no door."""
    names = names_in(message.body)
    if not names:
        return
    members = message.room.members.annotate(handle=Lower("username")).filter(handle__in=names)
    notify.send(
        message.author,
        recipient=members.exclude(pk=message.author_id),
        verb="mentioned you in",
        action_object=message,
        target=message.room,
        kind="chat.mention",
        url=message.get_absolute_url(),
        description=message.body[:EXCERPT],
        timestamp=message.created,
    )
