"""A room's messages, page by page from the newest back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from showcase.chat.models import Message, Room

PAGE = 50
TOGETHER = timedelta(minutes=5)
"""Messages of one person within this time stand together under one name."""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Oldest first. `has_older` says whether anything was written before."""

    messages: Sequence[Message]
    has_older: bool

    @property
    def oldest(self) -> int:
        return self.messages[0].pk if self.messages else 0

    @property
    def newest(self) -> int:
        return self.messages[-1].pk if self.messages else 0


def page(room: Room, before: int | None = None) -> MessagePage:
    """By id, not by offset: what is written meanwhile moves nothing from one page to the next."""
    messages = room.messages.select_related("author").order_by("-pk")
    if before is not None:
        messages = messages.filter(pk__lt=before)
    found = list(messages[: PAGE + 1])
    return MessagePage(found[PAGE - 1 :: -1] if len(found) > PAGE else found[::-1], len(found) > PAGE)
