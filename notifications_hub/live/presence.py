"""Who has a page open, in any process, by its last sign of life. Kept in Django's cache.

Each hub writes a key a person under its own name, so that one hub's last connection closing says nothing about
another's, and takes a place in a list where readers find its name. All of it expires unless it is refreshed. A cache
may be away, be emptied or belong to one process alone, so "here" is sure, "away" only what `connected_among` gives.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from django.core.cache import DEFAULT_CACHE_ALIAS, cache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache

from notifications_hub.live.database import Database
from notifications_hub.people import person_key

LIFE_SECONDS = 40
_REFRESH_SECONDS = 15
POLL_GRACE_SECONDS = 15
_GATHER_SECONDS = 0.1
"""Who is let in is here for a while: a moment's crowd is one write."""
TRUSTED_SECONDS = LIFE_SECONDS
"""A cache that was empty this long ago has heard of everybody since: each hub refreshes more often."""
_PLACES = [f"notifications_hub:hub:{number}" for number in range(64)]
_SINCE = "notifications_hub:presence_since"
_POLLING = "poll"
_KEYS_AT_ONCE = 1000

log = logging.getLogger(__name__)


def is_connected(person_pk: object) -> bool:
    """Two reads of the cache; False also where nothing is known."""
    try:
        return bool(_connected([person_pk], cache.get_many(_PLACES).values()))
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
        listed = cache.get_many([_SINCE, *_PLACES])
        since = listed.pop(_SINCE, None)
        if since is None or time.time() - since < TRUSTED_SECONDS:
            return None
        return _connected(person_pks, listed.values())
    except Exception as error:  # noqa: BLE001 -- as above
        log.warning("Presence could not be read: %s", error)
        return None


def stays(person_pk: object, wait: float) -> None:
    """A poll: its person is here for as long as it may wait, and until the next one may be expected."""
    try:
        cache.set(_key(_POLLING, person_pk), True, wait + POLL_GRACE_SECONDS)
    except Exception as error:  # noqa: BLE001 -- nor their news
        log.warning("Presence could not be written: %s", error)


def _connected(person_pks: Iterable[Any], hubs: Collection[str]) -> set[Any]:
    keys = ((_key(hub, pk), pk) for pk in person_pks for hub in (_POLLING, *hubs))
    found: set[Any] = set()
    while some := dict(islice(keys, _KEYS_AT_ONCE)):
        found |= {some[key] for key in cache.get_many(some)}
    return found


def _key(hub: str, person_pk: object) -> str:
    return f"notifications_hub:here:{hub}:{person_key(person_pk)}"


class Presence:
    """What this process's hub tells the others. Those who come and go together are written together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = secrets.token_hex(4)
        self._place = ""
        self._here: set[object] = set()
        self._changed: set[object] = set()
        self._telling: asyncio.Task[None] | None = None
        # Of two writers the one that looked first may write last, and somebody who has left would be here once more.
        self._writing = asyncio.Lock()

    def arrived(self, person_pk: object) -> None:
        if person_pk not in self._here:
            self._here.add(person_pk)
            self._tell(person_pk)

    def left(self, person_pk: object) -> None:
        if person_pk in self._here:
            self._here.discard(person_pk)
            self._tell(person_pk)

    async def refresh(self) -> None:
        await asyncio.sleep(_REFRESH_SECONDS)
        async with self._writing:
            await self._database(self._write_all)

    async def close(self) -> None:
        self._here.clear()
        if self._telling is not None:
            await self._telling
        await self._database(self._withdraw)

    def _tell(self, person_pk: object) -> None:
        self._changed.add(person_pk)
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell_changed())

    async def _tell_changed(self) -> None:
        try:
            while self._changed:
                # The state is read when it is written: of two changes in quick succession the later one holds.
                async with self._writing:
                    changed, self._changed = self._changed, set()
                    await self._database(self._write, changed)
                await asyncio.sleep(_GATHER_SECONDS)
        except Exception as error:  # noqa: BLE001 -- as above; the next refresh makes up for it
            log.warning("Presence could not be written: %s", error)
        finally:
            self._telling = None

    def _write(self, changed: Collection[object]) -> None:
        if not self._is_listed():
            # Nobody is listed by a cache that has just been emptied.
            self._write_all()
        here = {_key(self._name, pk): True for pk in changed if pk in self._here}
        cache.set_many(here, LIFE_SECONDS)
        cache.delete_many({_key(self._name, pk) for pk in changed} - here.keys())

    def _write_all(self) -> None:
        if self._is_listed():
            cache.touch(self._place, LIFE_SECONDS)
        else:
            self._take_a_place()
        cache.set_many({_key(self._name, pk): True for pk in list(self._here)}, LIFE_SECONDS)

    def _is_listed(self) -> bool:
        return bool(self._place) and cache.get(self._place) == self._name

    def _take_a_place(self) -> None:
        self._place = next((place for place in _PLACES if cache.add(place, self._name, LIFE_SECONDS)), "")
        if self._place:
            cache.add(_SINCE, time.time(), None)
        else:
            # A hub more than there are places for: of nobody is it known then that they are away.
            cache.set(_SINCE, time.time(), None)

    def _withdraw(self) -> None:
        if self._is_listed():
            cache.delete(self._place)
