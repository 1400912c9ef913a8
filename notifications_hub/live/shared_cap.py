"""How many connections a person has in all processes together; of too many the oldest go.

One cache entry a person holds when their connections were opened, by hub. A hub writes it when its own come or go, and
compares all of them now and then: that is when it learns that others have newer ones. Writers may overwrite each other;
whoever is missing puts itself back at its next look. What a killed process leaves is older than whatever comes next, so
it keeps nobody out. In a cache that belongs to one process alone there is nothing to compare: each counts its own.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping, Sequence

from django.core.cache import DEFAULT_CACHE_ALIAS, cache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache

from notifications_hub.conf import hub_settings
from notifications_hub.database.chunks import chunks
from notifications_hub.live.close_codes import TOO_MANY
from notifications_hub.live.connection_registry import Registry
from notifications_hub.live.db_threads import Database
from notifications_hub.users import person_key

CHECK_SECONDS = 20.0
_GATHER_SECONDS = 0.2
"""A moment's crowd is one write."""
_LIFE_SECONDS = 3700
"""A little longer than a connection can live before it is renewed."""
_KEYS_AT_ONCE = 500

log = logging.getLogger(__name__)

Opened = dict[str, list[float]]
"""By hub, when its connections of one person were opened."""


class SharedCap:
    """Compares the connections of this process's hub with those of the others."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry
        self._name = secrets.token_hex(4)
        self._changed: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    def changed(self, person_pk: object) -> None:
        """Call it when a connection of this person has come or gone."""
        if not _is_shared():
            return
        self._changed.add(person_key(person_pk))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_changed())

    async def check(self) -> None:
        await asyncio.sleep(CHECK_SECONDS)
        if _is_shared():
            await self._compare(self._registry.people())

    async def close(self) -> None:
        if self._writing is not None:
            await self._writing

    async def _write_changed(self) -> None:
        try:
            while self._changed:
                await asyncio.sleep(_GATHER_SECONDS)
                changed, self._changed = self._changed, set()
                await self._compare(list(changed))
        finally:
            self._writing = None

    async def _compare(self, people: Sequence[str]) -> None:
        for some in chunks(people, _KEYS_AT_ONCE):
            own = {pk: [one.opened for one in self._registry.of_person(pk)] for pk in some}
            try:
                oldest = await self._database(_exchange, self._name, own)
            except Exception as error:  # noqa: BLE001 -- whatever a cache may raise, it must not cost anyone their page
                log.warning("Connections of other processes could not be counted: %s", error)
                return
            for pk, opened in oldest.items():
                self._end_before(pk, opened)

    def _end_before(self, person_pk: str, opened: float) -> None:
        for connection in list(self._registry.of_person(person_pk)):
            if connection.opened < opened:
                connection.end(TOO_MANY)


def _exchange(hub: str, own: Mapping[str, list[float]]) -> dict[str, float]:
    """Write this hub's own. Return, for people who have too many, when the oldest that may stay was opened."""
    keys = {f"notifications_hub:opened:{pk}": pk for pk in own}
    stored: dict[str, Opened] = cache.get_many(keys)
    stale = time.time() - _LIFE_SECONDS
    oldest: dict[str, float] = {}
    written: dict[str, Opened] = {}
    for key, pk in keys.items():
        before = stored.get(key, {})
        together = _since(stale, {**before, hub: own[pk]})
        if first := _oldest_that_may_stay(together):
            oldest[pk] = first
        if before.get(hub, []) != own[pk]:
            # Whoever loses a place here finds so at its own look, and ends what is too old.
            written[key] = _since(first, together)
    cache.set_many({key: opened for key, opened in written.items() if opened}, _LIFE_SECONDS)
    cache.delete_many([key for key, opened in written.items() if not opened])
    return oldest


def _since(first: float, opened: Opened) -> Opened:
    kept = {hub: [moment for moment in moments if moment >= first] for hub, moments in opened.items()}
    return {hub: moments for hub, moments in kept.items() if moments}


def _oldest_that_may_stay(opened: Opened) -> float:
    """Return 0 where all may."""
    newest = sorted((moment for moments in opened.values() for moment in moments), reverse=True)
    most = hub_settings.live_per_user
    return newest[most - 1] if 0 < most < len(newest) else 0.0


def _is_shared() -> bool:
    return not isinstance(caches[DEFAULT_CACHE_ALIAS], (DummyCache, LocMemCache))
