"""Mentions such as @bob in messages, and their notifications."""

from __future__ import annotations

import re

from django.db.models.functions import Lower
from notifications.signals import notify

from showcase.chat.models import Message

EXCERPT = 200
MAX_MENTIONS = 20
"""The number of mentions that count in one message, so that a bot cannot notify everybody."""

# Django's usernames may contain all of these characters, and some of them may also end a sentence.
_NAME = re.compile(r"(?<![\w@.+-])@([\w.@+-]+)")
_PUNCTUATION = ".@+-"


def names_in(body: str) -> set[str]:
    """Return the mentioned usernames in lower case. Some may belong to nobody."""
    found = [match[1].lower() for match in _NAME.finditer(body)][:MAX_MENTIONS]
    return {name for written in found for name in (written, written.rstrip(_PUNCTUATION)) if name}


def notify_mentioned(message: Message) -> None:
    """Notify the mentioned people, but only members: a mention gives no access to the room."""
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
