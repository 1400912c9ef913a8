"""Who has a page open, in any process, by its last sign of life. Kept in Django's cache.

Each process writes a key a person under its own name, so that one process's last connection closing says nothing about
another's, and lists its name where readers find it. Reading gives "surely here" or "not known to be": never a proof.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any

from django.core.cache import cache

from notifications_hub.live.database import Database

LIFE_SECONDS = 40
_REFRESH_SECONDS = 15
POLL_GRACE_SECONDS = 15
_PROCESSES = "notifications_hub:processes"
_POLLING = "poll"

log = logging.getLogger(__name__)


def is_connected(person_pk: object) -> bool:
    """Two reads of the cache; of one that is away nothing is known."""
    try:
        processes: list[str] = cache.get(_PROCESSES, [])
        return bool(cache.get_many([_key(process, person_pk) for process in [_POLLING, *processes]]))
    except Exception as error:  # noqa: BLE001 -- whatever a cache may raise, it must not cost anyone their page
        log.warning("Presence could not be read: %s", error)
        return False


def stays(person_pk: object, wait: float) -> None:
    """A poll: its person is here for as long as it may wait, and until the next one may be expected."""
    try:
        cache.set(_key(_POLLING, person_pk), True, wait + POLL_GRACE_SECONDS)
    except Exception as error:  # noqa: BLE001 -- nor their news
        log.warning("Presence could not be written: %s", error)


def _key(process: str, person_pk: object) -> str:
    return f"notifications_hub:here:{process}:{person_pk}"


class Presence:
    """What this process's hub tells the others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._process = secrets.token_hex(4)
        self._here: set[object] = set()
        self._telling: set[asyncio.Task[None]] = set()

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
        await self._database(self._write_all)

    async def close(self) -> None:
        self._here.clear()
        await asyncio.gather(*self._telling, return_exceptions=True)
        await self._database(self._withdraw)

    def _tell(self, person_pk: object) -> None:
        # The state is read when it is written: of two changes in quick succession the later one holds.
        task = asyncio.create_task(self._database(self._write, person_pk))
        self._telling.add(task)
        task.add_done_callback(self._told)

    def _told(self, task: asyncio.Task[Any]) -> None:
        self._telling.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("Presence could not be written: %s", task.exception())

    def _write(self, person_pk: object) -> None:
        if person_pk in self._here:
            self._list_process()
            cache.set(_key(self._process, person_pk), True, LIFE_SECONDS)
        else:
            cache.delete(_key(self._process, person_pk))

    def _write_all(self) -> None:
        self._list_process()
        cache.set_many({_key(self._process, pk): True for pk in list(self._here)}, LIFE_SECONDS)

    def _list_process(self) -> None:
        # Two processes that list themselves at once may lose one name; the next refresh writes it again.
        processes: list[str] = cache.get(_PROCESSES, [])
        if self._process not in processes:
            cache.set(_PROCESSES, [*processes[-50:], self._process], None)

    def _withdraw(self) -> None:
        processes: list[str] = cache.get(_PROCESSES, [])
        cache.set(_PROCESSES, [name for name in processes if name != self._process], None)
