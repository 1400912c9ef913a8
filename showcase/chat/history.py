"""A room's messages in pages, from the newest back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from showcase.chat.models import Message, Room

PAGE = 50
GROUPING_TIME = timedelta(minutes=5)
"""Messages that one person sends within this time of each other are grouped under one name."""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A page of messages, oldest first. `has_older` is true if there are earlier ones."""

    messages: Sequence[Message]
    has_older: bool

    @property
    def oldest(self) -> int:
        return self.messages[0].pk if self.messages else 0

    @property
    def newest(self) -> int:
        return self.messages[-1].pk if self.messages else 0


def page(room: Room, before: int | None = None) -> MessagePage:
    """Return the newest page, or the one before a message id.

    Pages go by id rather than offset, so that new messages do not shift their boundaries.
    """
    messages = room.messages.select_related("author").order_by("-pk")
    if before is not None:
        messages = messages.filter(pk__lt=before)
    found = list(messages[: PAGE + 1])
    return MessagePage(found[PAGE - 1 :: -1] if len(found) > PAGE else found[::-1], len(found) > PAGE)
