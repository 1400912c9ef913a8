"""The current cursor, for a page that is rendered before it connects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import AnonymousUser

from notifications_hub import streams
from notifications_hub.live.topics import stored_topics
from notifications_hub.streams import cursor
from notifications_hub.users import Person


def cursor_at(topics: Iterable[str]) -> str:
    """Return the current cursor for topics by their logged names, without checking rights. Two statements at most."""
    return cursor.encode({reading.topic: reading.position for reading in streams.read(dict.fromkeys(topics))})


def start_cursor(person: Person | AnonymousUser, topics: Sequence[str]) -> str:
    """Return the current cursor for topics that a person may listen to. Raise `TopicRefused`.

    Call this before reading the rows of the page, so that the page misses no later event. It takes at most two
    statements, besides those of the topics' rules.
    """
    return cursor_at(stored_topics(person, topics))
