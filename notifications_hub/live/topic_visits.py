"""The connections of this process's hub by topic and person, and the writes that keep `topic_presence` true.

A person's first connection to a topic is written soon. Once their last one has closed, they have some seconds to come
back before that is written too. So a reload, and a poll that follows another, write nothing.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Collection, Iterable

from notifications_hub.live import topic_presence
from notifications_hub.live.db_threads import Database
from notifications_hub.live.topic_presence import HubForgotten, Pair, pairs_of

_GATHER_SECONDS = 0.1
"""Pause that gathers a crowd's changes in one write."""

log = logging.getLogger(__name__)


class TopicVisits:
    """The people whom this hub holds on topics with presence. Everything runs on the hub's event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: Counter[Pair] = Counter()
        self._changed: set[Pair] = set()
        self._writing: asyncio.Task[None] | None = None
        self._is_closing = False
        self._start_over()

    def _start_over(self) -> None:
        """Hold everyone again under a new name: others have released those whom the old one held."""
        self._name = secrets.token_hex(8)
        self._is_registered = False
        self._held: set[Pair] = set()
        self._changed |= self._open.keys()

    def opened(self, person_pk: object, topics: Iterable[str]) -> None:
        for pair in pairs_of(person_pk, topics):
            self._open[pair] += 1
            if pair not in self._held:
                self._write_soon(pair)

    def closed(self, person_pk: object, topics: Iterable[str]) -> None:
        for pair in pairs_of(person_pk, topics):
            self._open[pair] -= 1
            if not self._open[pair]:
                del self._open[pair]
                asyncio.get_running_loop().call_later(topic_presence.GRACE_SECONDS, self._write_soon, pair)

    async def renew(self) -> None:
        """Renew the lease, and try failed writes again. Called in a loop."""
        await asyncio.sleep(topic_presence.RENEW_SECONDS)
        name = self._name
        if self._held and not await self._database(topic_presence.renew, name):
            self._forgotten(name)
        if self._changed:
            self._write_soon()

    async def close(self) -> None:
        """Release everyone. They are expected to reconnect to another process, and have some seconds for it."""
        self._is_closing = True
        if self._writing is not None:
            await self._writing
        try:
            if self._held:
                await self._database(topic_presence.release, self._name, self._held, topic_presence.GRACE_SECONDS)
            if self._is_registered:
                await self._database(topic_presence.unregister, self._name)
        except Exception as error:  # noqa: BLE001 -- the lease expires by itself
            log.warning("The people on topics could not be released: %s", error)

    def _write_soon(self, *pairs: Pair) -> None:
        self._changed.update(pairs)
        if self._writing is None and not self._is_closing:
            self._writing = asyncio.create_task(self._write_changed())

    async def _write_changed(self) -> None:
        try:
            while self._changed and not self._is_closing:
                await asyncio.sleep(_GATHER_SECONDS)
                await self._write(list(self._changed))
        except Exception as error:  # noqa: BLE001 -- a database may raise anything; the next renewal tries again
            log.warning("The people on topics could not be written: %s", error)
        finally:
            self._writing = None

    async def _write(self, changed: Collection[Pair]) -> None:
        name = self._name
        new = [pair for pair in changed if pair in self._open and pair not in self._held]
        over = [pair for pair in changed if pair in self._held and pair not in self._open]
        try:
            if new:
                await self._hold(name, new)
            busy = await self._database(topic_presence.release, name, over, 0) if over else set()
        except HubForgotten:
            self._forgotten(name)
        if name != self._name:
            return
        self._held.difference_update(set(over) - busy)
        # Those who came back during the write arrive again. Those who closed during it have their seconds first.
        came_back = {pair for pair in changed if pair in self._open and pair not in self._held}
        self._changed = (self._changed - set(changed)) | busy | came_back

    async def _hold(self, name: str, new: Collection[Pair]) -> None:
        if not self._is_registered:
            await self._database(topic_presence.register, name)
            self._is_registered = True
        await self._database(topic_presence.hold, name, new)
        if name == self._name:
            self._held.update(new)

    def _forgotten(self, name: str) -> None:
        # A renewal and a write may both notice.
        if name == self._name:
            self._start_over()
