"""The cursor of this moment, for a page that is rendered before it connects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from notifications_hub import streams
from notifications_hub.live.topics import stored_topics
from notifications_hub.streams import cursor
from notifications_hub.users import Person


def cursor_at(topics: Iterable[str]) -> str:
    """By the names that topics are logged under, for who is known to be allowed to listen. Two statements at most."""
    return cursor.encode({reading.topic: reading.position for reading in streams.read(dict.fromkeys(topics))})


def start_cursor(person: Person, topics: Sequence[str]) -> str:
    """Read it before the rows that the page shows: what happens between the two is then heard, and so is all after it.

    Raises `TopicRefused`. Two statements at most, beside what the topics' rules ask.
    """
    return cursor_at(stored_topics(person, topics))
