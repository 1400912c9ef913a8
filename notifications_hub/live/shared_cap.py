"""The cap on an owner's connections over all processes. Above it, the oldest are closed.

An owner is a person, or an address with its visitors who are not signed in. One cache entry per owner holds, by hub,
when their connections were opened. A hub writes it when its own connections change. If there are too many, it names
the owner in one entry that every hub reads periodically, and a hub with older connections of theirs ends them. So
pages that stay open cost nothing. Writers may overwrite each other; therefore a hub compares what it wrote once more,
and all its owners in turn. Entries of a killed process are older than any new connection, so they keep nobody out. They
would end older ones of other hubs, and so count only while its sign of life is kept (`presence.LIFE_SECONDS`). With a
per-process cache there is nothing to compare: each process counts only its own connections.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

from notifications_hub.cache_keys import cache_key
from notifications_hub.database.chunks import chunks
from notifications_hub.guarded_cache import cache, level_of
from notifications_hub.live.cache_sharing import is_cache_shared
from notifications_hub.live.close_codes import TOO_MANY
from notifications_hub.live.connection_registry import Registry
from notifications_hub.live.db_threads import Database
from notifications_hub.live.presence import find_alive
from notifications_hub.live.visitor import cap_of

CHECK_SECONDS = 20.0
_ROUND = 30
"""Checks in which each owner is compared once, in turn."""
_OVER_SECONDS = 60
"""Time that an owner is named after their connections grew too many. It spans a few checks of every hub."""
_GATHER_SECONDS = 0.2
"""Pause that gathers the changes of a crowd in one write."""
_LIFE_SECONDS = 3700
"""A little longer than a connection lives before it is renewed."""
_KEYS_AT_ONCE = 500

log = logging.getLogger(__name__)

Opened = dict[str, list[float]]
"""Per hub, the times at which its connections of one owner were opened."""


class SharedCap:
    """The cap as this process's hub enforces it: its connections, compared with those of other hubs."""

    def __init__(self, database: Database, registry: Registry, name: str) -> None:
        """`name` is the hub's, as its presence says it."""
        self._database = database
        self._registry = registry
        self._name = name
        self._changed: set[str] = set()
        self._compared: set[str] = set()
        self._in_turn: list[str] = []
        self._writing: asyncio.Task[None] | None = None

    def changed(self, owner: str) -> None:
        """Schedule a comparison. Call this when a connection of this owner was opened or closed."""
        if not is_cache_shared():
            return
        self._changed.add(owner)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_changed())

    async def check(self) -> None:
        await asyncio.sleep(CHECK_SECONDS)
        if is_cache_shared():
            again, self._compared = self._compared, set()
            owners = {*again, *self._next_in_turn(), *await self._over_the_cap()}
            await self._compare([one for one in owners if self._registry.of_owner(one)])

    async def close(self) -> None:
        if self._writing is not None:
            await self._writing

    async def _write_changed(self) -> None:
        try:
            while self._changed:
                await asyncio.sleep(_GATHER_SECONDS)
                changed, self._changed = self._changed, set()
                self._compared |= changed
                await self._compare(list(changed))
        finally:
            self._writing = None

    def _next_in_turn(self) -> list[str]:
        if not self._in_turn:
            self._in_turn = self._registry.owners()
        share = -(-len(self._registry.owners()) // _ROUND)
        some, self._in_turn = self._in_turn[:share], self._in_turn[share:]
        return some

    async def _over_the_cap(self) -> list[str]:
        try:
            return list(await self._database(cache.get, _over_key(), {}))
        except Exception as error:  # noqa: BLE001 -- as below
            log.log(level_of(error), "Could not read the people with too many connections: %s", error)
            return []

    async def _compare(self, owners: Sequence[str]) -> None:
        for some in chunks(owners, _KEYS_AT_ONCE):
            own = {owner: [one.opened for one in self._registry.of_owner(owner)] for owner in some}
            try:
                oldest = await self._database(_exchange, self._name, own)
            except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and must not break a page
                log.log(level_of(error), "Could not count the connections of other processes: %s", error)
                return
            for owner, opened in oldest.items():
                self._end_before(owner, opened)

    def _end_before(self, owner: str, opened: float) -> None:
        for connection in list(self._registry.of_owner(owner)):
            if connection.opened < opened:
                connection.end(TOO_MANY)


def _exchange(hub: str, own: Mapping[str, list[float]]) -> dict[str, float]:
    """Write this hub's entries. For owners over the cap, return when the oldest connection that may stay was opened."""
    keys = {cache_key("opened", owner): owner for owner in own}
    stored: dict[str, Opened] = cache.get_many(keys)
    merged = _living(hub, {owner: {**stored.get(key, {}), hub: own[owner]} for key, owner in keys.items()})
    oldest: dict[str, float] = {}
    written: dict[str, Opened] = {}
    for key, owner in keys.items():
        if first := _oldest_that_may_stay(merged[owner], cap_of(owner)):
            oldest[owner] = first
        if stored.get(key, {}).get(hub, []) != own[owner]:
            # A hub that loses connections here notices at its own check, and ends those that are too old.
            written[key] = _since(first, merged[owner])
    cache.set_many({key: opened for key, opened in written.items() if opened}, _LIFE_SECONDS)
    cache.delete_many([key for key, opened in written.items() if not opened])
    if over := [owner for key, owner in keys.items() if key in written and owner in oldest]:
        _name_over(over)
    return oldest


def _living(hub: str, opened: Mapping[str, Opened]) -> Mapping[str, Opened]:
    """Leave out what has ended meanwhile: old connections and, for owners over the cap, those of killed hubs."""
    stale = time.time() - _LIFE_SECONDS
    recent = {owner: _since(stale, one) for owner, one in opened.items()}
    over = [owner for owner, one in recent.items() if _oldest_that_may_stay(one, cap_of(owner))]
    alive = find_alive({name for owner in over for name in recent[owner]} - {hub}) | {hub: True}
    return recent | {owner: _of_hubs(alive, recent[owner]) for owner in over}


def _of_hubs(alive: Mapping[str, bool], opened: Opened) -> Opened:
    return {name: moments for name, moments in opened.items() if alive[name]}


def _name_over(owners: Sequence[str]) -> None:
    now = time.time()
    named: dict[str, float] = cache.get(_over_key(), {})
    recent = {owner: at for owner, at in named.items() if at > now - _OVER_SECONDS}
    cache.set(_over_key(), recent | dict.fromkeys(owners, now), _OVER_SECONDS)


def _over_key() -> str:
    return cache_key("over_the_cap")


def _since(first: float, opened: Opened) -> Opened:
    kept = {hub: [moment for moment in moments if moment >= first] for hub, moments in opened.items()}
    return {hub: moments for hub, moments in kept.items() if moments}


def _oldest_that_may_stay(opened: Opened, most: int) -> float:
    """Return when the oldest connection that may stay was opened, or 0 if all may."""
    newest = sorted((moment for moments in opened.values() for moment in moments), reverse=True)
    return newest[most - 1] if 0 < most < len(newest) else 0.0
