"""Presence: the people who have a page open in any process, kept in Django's cache.

Each person has one record for all processes. It names the hubs with a connection of theirs, and changes only if they
come or go. Each hub has one key that says it is alive. It writes that key again and again, but none of its people, so
an idle page costs almost nothing. A record also expires, in case its hub was killed. A hub writes its own entry and
keeps the others', so closing its last connection does not affect theirs. A cache may be unreachable, be emptied or
belong to one process alone. So "present" is certain, but "away" is certain only as far as `connected_among` reports it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from notifications_hub.cache_keys import cache_key
from notifications_hub.database.chunks import chunks
from notifications_hub.guarded_cache import cache, level_of
from notifications_hub.live.cache_sharing import is_cache_shared
from notifications_hub.live.db_threads import Database
from notifications_hub.users import person_key

LIFE_SECONDS = 40
"""Time after its last sign of life when a hub counts as killed, and nobody is present through it."""
_REFRESH_SECONDS = 15
_ROUND = 40
"""Refreshes in which a hub writes each of its records once more, in turn. A cache may have evicted some."""
_RECORD_SECONDS = 3 * _ROUND * _REFRESH_SECONDS
POLL_GRACE_SECONDS = 15
_GATHER_SECONDS = 0.1
"""Pause that gathers a crowd's changes in one write. A person who just connected usually stays for a while."""
TRUSTED_SECONDS = LIFE_SECONDS
"""Age from which a cache's silence is trusted: by then every hub has written, as they refresh more often."""
_PEOPLE_AT_ONCE = 500

log = logging.getLogger(__name__)

_Record = Mapping[str, float]
"""Per hub that holds a connection, the time until which its entry is kept."""


def is_connected(person_pk: object) -> bool:
    """Return whether a person has a page open, by one cache read. False also if nothing is known."""
    try:
        return bool(_connected([person_pk]))
    except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and must not break a page
        log.log(level_of(error), "Presence could not be read: %s", error)
        return False


def connected_among(person_pks: Collection[Any]) -> set[Any] | None:
    """Return the people among these who have a page open; the others are away.

    Return None if nobody can be assumed to be away: the cache is unreachable, was emptied recently, or is not shared
    by processes. This costs two cache reads for each `_PEOPLE_AT_ONCE` people, and one more key for each hub.
    """
    if not is_cache_shared():
        return None
    try:
        since = cache.get(_since_key())
        if since is None or time.time() - since < TRUSTED_SECONDS:
            return None
        return _connected(person_pks)
    except Exception as error:  # noqa: BLE001 -- as above
        log.log(level_of(error), "Presence could not be read: %s", error)
        return None


def record_poll(person_pk: object, wait: float) -> None:
    """Record a poll: its person is present while it may wait, and until the next poll is due."""
    try:
        cache.set(_poll_key(person_pk), True, wait + POLL_GRACE_SECONDS)
    except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and must not break a poll
        log.log(level_of(error), "Presence could not be written: %s", error)


def _connected(person_pks: Iterable[Any]) -> set[Any]:
    found: set[Any] = set()
    alive: dict[str, bool] = {}
    for some in chunks(person_pks, _PEOPLE_AT_ONCE):
        known = cache.get_many([key(pk) for pk in some for key in (_key, _poll_key)])
        records = {pk: known.get(_key(pk), {}) for pk in some}
        alive |= find_alive({hub for record in records.values() for hub in record} - alive.keys())
        found |= {pk for pk in some if _poll_key(pk) in known or any(alive[hub] for hub in records[pk])}
    return found


def find_alive(hubs: Collection[str]) -> dict[str, bool]:
    """Return for each hub, by its name, whether it has given a sign of life within `LIFE_SECONDS`."""
    known = cache.get_many([_hub_key(hub) for hub in hubs]) if hubs else {}
    return {hub: _hub_key(hub) in known for hub in hubs}


def _live(record: _Record) -> _Record:
    """Return the unexpired entries. A killed hub leaves its own behind."""
    now = time.time()
    return {hub: until for hub, until in record.items() if until > now}


def _since_key() -> str:
    return cache_key("present_since")


def _key(person_pk: object) -> str:
    return cache_key("present", person_key(person_pk))


def _hub_key(hub: str) -> str:
    return cache_key("alive", hub)


def _poll_key(person_pk: object) -> str:
    return cache_key("polling", person_key(person_pk))


class Presence:
    """The presence of this hub's people, written to the cache. Changes of one moment are written together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.name = secrets.token_hex(4)
        self._present: set[object] = set()
        self._changed: set[object] = set()
        self._written: set[object] = set()
        self._in_turn: list[object] = []
        self._since: float | None = None
        # The first sign of life comes at once: others leave out the connections of a hub without one.
        self._pause = 0.0
        self._write_task: asyncio.Task[None] | None = None
        # Without the lock, a writer with an older read could write last, and show a person who has left as present.
        self._write_lock = asyncio.Lock()

    def arrived(self, person_pk: object) -> None:
        if person_pk not in self._present:
            self._present.add(person_pk)
            self._schedule_write(person_pk)

    def left(self, person_pk: object) -> None:
        if person_pk in self._present:
            self._present.discard(person_pk)
            self._schedule_write(person_pk)

    async def refresh(self) -> None:
        pause, self._pause = self._pause, _REFRESH_SECONDS
        await asyncio.sleep(pause)
        async with self._write_lock:
            await self._database(self._refresh)

    async def close(self) -> None:
        for person_pk in list(self._present):
            self.left(person_pk)
        if self._write_task is not None:
            await self._write_task
        try:
            await self._database(cache.delete, _hub_key(self.name))
        except Exception as error:  # noqa: BLE001 -- as above; the key expires
            log.log(level_of(error), "Presence could not be written: %s", error)

    def _schedule_write(self, person_pk: object) -> None:
        self._changed.add(person_pk)
        if self._write_task is None:
            self._write_task = asyncio.create_task(self._write_changed())

    async def _write_changed(self) -> None:
        try:
            while self._changed:
                # The state is read at the moment of writing, so of two quick changes the later one holds.
                async with self._write_lock:
                    changed, self._changed = self._changed, set()
                    written = await self._database(self._write, changed)
                # Another hub may have overwritten the record from an older read. So check it again.
                self._changed |= written
                await asyncio.sleep(_GATHER_SECONDS)
        except Exception as error:  # noqa: BLE001 -- as above; the next refresh repairs it
            log.log(level_of(error), "Presence could not be written: %s", error)
        finally:
            self._write_task = None

    def _write(self, changed: Collection[object]) -> set[object]:
        """Correct the records of these people. Return the people whose records were wrong."""
        if self._is_new_to_cache():
            changed = {*changed, *self._present}
            self._say_alive()
        written: set[object] = set()
        for some in chunks(changed, _PEOPLE_AT_ONCE):
            records = cache.get_many(map(_key, some))
            wrong = [pk for pk in some if (self.name in records.get(_key(pk), {})) != (pk in self._present)]
            self._put(wrong, records)
            written.update(wrong)
        self._written |= written
        return written

    def _refresh(self) -> None:
        """Say that this hub is alive, and write a few records again: all of them if the cache was emptied."""
        people = list(self._present) if self._is_new_to_cache() else self._next_in_turn()
        self._say_alive()
        self._write_again(people)
        # A slow hub may have overwritten a new record long after `_write` checked it, so check those once more.
        written, self._written = self._written, set()
        self._write(written)

    def _say_alive(self) -> None:
        cache.set(_hub_key(self.name), True, LIFE_SECONDS)

    def _next_in_turn(self) -> list[object]:
        if not self._in_turn:
            self._in_turn = list(self._present)
        share = -(-len(self._present) // _ROUND)
        some, self._in_turn = self._in_turn[:share], self._in_turn[share:]
        return [pk for pk in some if pk in self._present]

    def _write_again(self, person_pks: Iterable[object]) -> None:
        for some in chunks(person_pks, _PEOPLE_AT_ONCE):
            self._put(some, cache.get_many(map(_key, some)))

    def _put(self, person_pks: Collection[object], records: Mapping[str, _Record]) -> None:
        new = {_key(pk): self._renewed(pk, records.get(_key(pk), {})) for pk in person_pks}
        if kept := {key: record for key, record in new.items() if record}:
            cache.set_many(kept, _RECORD_SECONDS)
        if gone := new.keys() - kept.keys():
            cache.delete_many(gone)

    def _renewed(self, person_pk: object, record: _Record) -> _Record:
        others = {hub: until for hub, until in _live(record).items() if hub != self.name}
        return others | {self.name: time.time() + _RECORD_SECONDS} if person_pk in self._present else others

    def _is_new_to_cache(self) -> bool:
        """Return whether the cache was emptied since the last check, and so lost this hub's entries."""
        since: float | None = cache.get(_since_key())
        if since is None:
            cache.add(_since_key(), time.time(), None)
            since = cache.get(_since_key())
        before, self._since = self._since, since
        return since != before
