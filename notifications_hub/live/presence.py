"""Who has a page open, in any process, by its last sign of life. Kept in Django's cache.

Each person has one record, whatever the number of processes: until when each hub that holds a connection of theirs is
known to be there. A hub writes its own entry and keeps the others', so its last connection closing says nothing about
theirs. Entries and records expire unless they are refreshed. A cache may be away, be emptied or belong to one process
alone, so "here" is sure, "away" only what `connected_among` gives.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.core.cache import DEFAULT_CACHE_ALIAS, cache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache

from notifications_hub.database.chunks import chunks
from notifications_hub.live.db_threads import Database
from notifications_hub.users import person_key

LIFE_SECONDS = 40
_REFRESH_SECONDS = 15
POLL_GRACE_SECONDS = 15
_GATHER_SECONDS = 0.1
"""Who is let in is here for a while: a moment's crowd is one write."""
TRUSTED_SECONDS = LIFE_SECONDS
"""A cache that was empty this long ago has heard of everybody since: each hub refreshes more often."""
_SINCE = "notifications_hub:present_since"
_PEOPLE_AT_ONCE = 500

log = logging.getLogger(__name__)

_Record = Mapping[str, float]
"""Name of a hub to the moment, by the clock of its machine, until which it is known to hold a connection."""


def is_connected(person_pk: object) -> bool:
    """One read of the cache; False also where nothing is known."""
    try:
        return bool(_connected([person_pk]))
    except Exception as error:  # noqa: BLE001 -- whatever a cache may raise, it must not cost anyone their page
        log.warning("Presence could not be read: %s", error)
        return False


def connected_among(person_pks: Collection[Any]) -> set[Any] | None:
    """Those of them who have a page open; the others are away. A read for some hundred people, and one more.

    None where nothing is known of anybody: the cache is away, was emptied a moment ago, or is not shared by processes.
    """
    if isinstance(caches[DEFAULT_CACHE_ALIAS], (DummyCache, LocMemCache)):
        return None
    try:
        since = cache.get(_SINCE)
        if since is None or time.time() - since < TRUSTED_SECONDS:
            return None
        return _connected(person_pks)
    except Exception as error:  # noqa: BLE001 -- as above
        log.warning("Presence could not be read: %s", error)
        return None


def record_poll(person_pk: object, wait: float) -> None:
    """A poll: its person is here for as long as it may wait, and until the next one may be expected."""
    try:
        cache.set(_poll_key(person_pk), True, wait + POLL_GRACE_SECONDS)
    except Exception as error:  # noqa: BLE001 -- nor their news
        log.warning("Presence could not be written: %s", error)


def _connected(person_pks: Iterable[Any]) -> set[Any]:
    found: set[Any] = set()
    for some in chunks(person_pks, _PEOPLE_AT_ONCE):
        known = cache.get_many([key(pk) for pk in some for key in (_key, _poll_key)])
        found |= {pk for pk in some if _poll_key(pk) in known or _live(known.get(_key(pk), {}))}
    return found


def _live(record: _Record) -> _Record:
    """Return the entries that have not run out: a hub that was killed leaves its own behind."""
    now = time.time()
    return {hub: until for hub, until in record.items() if until > now}


def _key(person_pk: object) -> str:
    return f"notifications_hub:present:{person_key(person_pk)}"


def _poll_key(person_pk: object) -> str:
    return f"notifications_hub:polling:{person_key(person_pk)}"


class Presence:
    """What this process's hub tells the others. Those who come and go together are written together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = secrets.token_hex(4)
        self._present: set[object] = set()
        self._changed: set[object] = set()
        self._since: float | None = None
        self._write_task: asyncio.Task[None] | None = None
        # Of two writers the one that looked first may write last, and somebody who has left would be here once more.
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
        await asyncio.sleep(_REFRESH_SECONDS)
        async with self._write_lock:
            await self._database(self._write_all)

    async def close(self) -> None:
        for person_pk in list(self._present):
            self.left(person_pk)
        if self._write_task is not None:
            await self._write_task

    def _schedule_write(self, person_pk: object) -> None:
        self._changed.add(person_pk)
        if self._write_task is None:
            self._write_task = asyncio.create_task(self._write_changed())

    async def _write_changed(self) -> None:
        try:
            while self._changed:
                # The state is read when it is written: of two changes in quick succession the later one holds.
                async with self._write_lock:
                    changed, self._changed = self._changed, set()
                    written = await self._database(self._write, changed)
                # Another hub may have written the same record meanwhile, from what it was before. So look at it again.
                self._changed |= written
                await asyncio.sleep(_GATHER_SECONDS)
        except Exception as error:  # noqa: BLE001 -- as above; the next refresh makes up for it
            log.warning("Presence could not be written: %s", error)
        finally:
            self._write_task = None

    def _write(self, changed: Collection[object]) -> set[object]:
        """Write the records of people that are not right. Return whose these were."""
        if self._is_new_to_cache():
            changed = {*changed, *self._present}
        written: set[object] = set()
        for some in chunks(changed, _PEOPLE_AT_ONCE):
            records = cache.get_many(map(_key, some))
            wrong = [pk for pk in some if (self._name in records.get(_key(pk), {})) != (pk in self._present)]
            self._put(wrong, records)
            written.update(wrong)
        return written

    def _write_all(self) -> None:
        self._is_new_to_cache()
        for some in chunks(list(self._present), _PEOPLE_AT_ONCE):
            self._put(some, cache.get_many(map(_key, some)))

    def _put(self, person_pks: Collection[object], records: Mapping[str, _Record]) -> None:
        new = {_key(pk): self._renewed(pk, records.get(_key(pk), {})) for pk in person_pks}
        if kept := {key: record for key, record in new.items() if record}:
            cache.set_many(kept, LIFE_SECONDS)
        if gone := new.keys() - kept.keys():
            cache.delete_many(gone)

    def _renewed(self, person_pk: object, record: _Record) -> _Record:
        others = {hub: until for hub, until in _live(record).items() if hub != self._name}
        return others | {self._name: time.time() + LIFE_SECONDS} if person_pk in self._present else others

    def _is_new_to_cache(self) -> bool:
        """Return whether the cache was emptied since the last look, so that it knows nobody of this hub."""
        since: float | None = cache.get(_SINCE)
        if since is None:
            cache.add(_SINCE, time.time(), None)
            since = cache.get(_SINCE)
        before, self._since = self._since, since
        return since != before
