"""Ends connections whose right to listen is gone, in this process, by what every process can read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

from notifications_hub.live.closing import RESTART, SESSION_OVER, refused
from notifications_hub.live.connection import Connection
from notifications_hub.live.database import Database
from notifications_hub.live.opening import Admitted, Asked, Refusal, admit_many
from notifications_hub.live.revocation import Revocation, What, forget_old, hashed, recent
from notifications_hub.live.topics import shown
from notifications_hub.people import person_key

CHECK_SECONDS = 60.0
TIME_SECONDS = 0.5
"""How late it may be noticed that a connection's time is up."""
LONGEST_SECONDS = 3600.0
"""After this a connection is renewed, with everything that is asked of a new one."""

log = logging.getLogger(__name__)


class Watch:
    """Reads revocations, keeps each session's time, and looks at every session once a minute."""

    def __init__(self, database: Database, connections: Callable[[], list[Connection]]) -> None:
        self._database = database
        self._connections = connections
        self._heeded: set[int] | None = None

    def keep_time(self, connection: Connection) -> None:
        left = min(max(connection.expires_in, 0.0), LONGEST_SECONDS)
        connection.due = asyncio.get_running_loop().time() + left

    async def end_due(self) -> None:
        """Looks whose time is up: one look for all costs less than a timer each, in time and in memory."""
        await asyncio.sleep(TIME_SECONDS)
        now = asyncio.get_running_loop().time()
        due = [connection for connection in self._connections() if connection.due <= now]
        if not due:
            return
        # A session is either over, which the client is told, or was prolonged, and the client is renewed.
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._end_invalid(due)
        for connection in due:
            connection.end(RESTART)

    async def heed(self) -> None:
        """Acts on what was revoked since the last look. A row that was committed late is met by a later look.

        What the first look finds is as a rule older than any connection, whose people may have signed in again since:
        they are asked again, and only who may no longer listen is ended.
        """
        rows = await self._database(recent)
        for row in rows:
            if self._heeded is None:
                await self._end_invalid(self._meant_by(row))
            elif row.pk not in self._heeded:
                await self._act(row)
        self._heeded = {row.pk for row in rows}

    async def check_all(self) -> None:
        await asyncio.sleep(CHECK_SECONDS)
        await self._database(forget_old)
        await self._end_invalid(self._connections())

    async def _act(self, row: Revocation) -> None:
        touched = self._meant_by(row)
        if row.what == What.CHECK:
            await self._end_invalid(touched)
            return
        closing = refused(shown(row.topic)) if row.what == What.TOPIC else SESSION_OVER
        for connection in touched:
            connection.end(closing)

    def _meant_by(self, row: Revocation) -> list[Connection]:
        return [connection for connection in self._connections() if _is_meant(row, connection)]

    async def _end_invalid(self, connections: Iterable[Connection]) -> None:
        sharing: dict[Asked, list[Connection]] = {}
        for connection in connections:
            sharing.setdefault(Asked(connection.session_key, tuple(connection.names)), []).append(connection)
        asking = (self._database.together(admit_many, asked) for asked in sharing)
        answers = await asyncio.gather(*asking, return_exceptions=True)
        for answer, its_connections in zip(answers, sharing.values(), strict=True):
            for connection in its_connections:
                _act_on(connection, answer)


def _act_on(connection: Connection, answer: Admitted | BaseException) -> None:
    if isinstance(answer, Refusal):
        connection.end(answer.closing)
    elif isinstance(answer, BaseException):
        # Nothing was found out about it, and it is asked again in a minute.
        log.error("A connection could not be checked", exc_info=answer)
    elif set(answer.topics) != connection.positions.keys():
        # An audience was joined or left, which its client takes up by coming back.
        connection.end(RESTART)


def _is_meant(row: Revocation, connection: Connection) -> bool:
    if row.what == What.SESSION:
        return hashed(connection.session_key) == row.session
    return person_key(connection.person_pk) == row.person and (not row.topic or row.topic in connection.positions)
