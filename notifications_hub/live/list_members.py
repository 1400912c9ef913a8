"""People of a chosen audience who have a page open when something is announced to them.

Other audiences are known when a connection is admitted. A list of people is often made after that, a moment before its
announcement. Its topic's first event then makes each hub look up which of its connections belong to it. The event may
come as a hint or from the log, which every hub checks once a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial

from notifications_hub import audience_lists
from notifications_hub.live.admission import BEGINNING
from notifications_hub.live.connection import Connection
from notifications_hub.live.connection_registry import Registry
from notifications_hub.live.db_threads import Database
from notifications_hub.live.eager_start import in_turn
from notifications_hub.live.topics import INBOX
from notifications_hub.streams.cursor import Position
from notifications_hub.users import person_key

REMEMBERED = 60.0
"""Seconds for which a list stays known: longer than an admission takes, which may have begun before it was made."""
_LISTS_AT_ONCE = 100


class ListMembers:
    """The lists that were announced to lately. Everything runs on one event loop."""

    def __init__(
        self, database: Database, registry: Registry, add: Callable[[Connection, Mapping[str, Position]], None]
    ) -> None:
        self._database = database
        self._registry = registry
        self._add = add
        self._recent: dict[str, tuple[int, float]] = {}
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()

    def note(self, tops: Mapping[str, int]) -> None:
        """Note topics with new events. Only those of lists matter."""
        self._forget()
        for topic, top in tops.items():
            if audience_lists.is_list(topic) and top > self._recent.get(topic, (0, 0.0))[0]:
                # As the newest, so that the first is the oldest.
                self._recent.pop(topic, None)
                self._recent[topic] = top, time.monotonic()
                self._look_up([topic])

    def join(self, connection: Connection) -> None:
        """Look lists up again that were made while the connection was admitted."""
        self._forget()
        self._look_up([topic for topic, (_top, at) in self._recent.items() if at >= connection.admitted_at])

    async def add_members(self) -> None:
        """Let the connections of a list's people listen to it. Called in a loop."""
        await self._wake.wait()
        self._wake.clear()
        while self._waiting:
            some = list(self._waiting)[:_LISTS_AT_ONCE]
            try:
                lists = await self._database(_lists_by_owner, some)
            except Exception:
                self._wake.set()
                raise
            for topic in some:
                self._waiting.pop(topic, None)
            # By turns, as ten thousand people at once would hold everybody else up.
            listed = lists.keys() & set(self._registry.owners())
            await in_turn([partial(self._add_owner, owner, lists[owner]) for owner in listed])

    def _add_owner(self, owner: str, topics: Collection[str]) -> None:
        for connection in list(self._registry.of_owner(owner)):
            self._add_to(connection, topics)

    def _add_to(self, connection: Connection, topics: Collection[str]) -> None:
        missing = [topic for topic in topics if topic not in connection.positions]
        # Nothing on the topic of a list is older than the list.
        if missing and INBOX in connection.names:
            self._add(connection, dict.fromkeys(missing, BEGINNING))

    def _look_up(self, topics: Collection[str]) -> None:
        self._waiting |= dict.fromkeys(topics)
        if self._waiting:
            self._wake.set()

    def _forget(self) -> None:
        old = time.monotonic() - REMEMBERED
        while self._recent and (first := next(iter(self._recent.items())))[1][1] < old:
            del self._recent[first[0]]


def _lists_by_owner(topics: Collection[str]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for topic, person in audience_lists.people_of(topics):
        lists.setdefault(person_key(person), []).append(topic)
    return lists
