"""Access enforcement: end this process's connections whose right to listen is gone."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from notifications_hub import audience_lists
from notifications_hub.live.admission import AdmissionRequest, Admitted, Refusal, admit_many, identify_many
from notifications_hub.live.close_codes import RESTART, SESSION_OVER, refused
from notifications_hub.live.connection import Connection
from notifications_hub.live.connection_registry import Registry
from notifications_hub.live.db_threads import Database
from notifications_hub.live.revalidation import Revalidation
from notifications_hub.live.revocation import MOST, RevocationType, Revoked, Unread
from notifications_hub.live.topics import shown

TIME_SECONDS = 0.5
"""Interval at which expired connections are ended."""
LONGEST_SECONDS = 3600.0
"""Longest life of a connection. Then its client reconnects, and passes admission again."""
REMEMBERED = 60.0
"""Seconds for which handled revocations are kept: longer than an admission takes.

A connection that was admitted before a revocation, and joins after it, is then ended when it joins.
"""
_AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Handled:
    """A handled revocation, and the moment of the monotonic clock at which it was handled."""

    row: Revoked
    at: float


class AccessEnforcer:
    """The checks that end connections: revocations, expiry, and re-validation once a minute.

    Each purpose has its own lane to the database, so that urgent checks do not wait for others.
    """

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry
        self._unread = Unread()
        self._has_read = False
        self._first_read = asyncio.Lock()
        self._recent: dict[str, list[_Handled]] = {}
        self._before: dict[str, list[_Handled]] = {}
        self._turned = time.monotonic()
        self._unsure: dict[Connection, None] = {}
        self._has_unsure = asyncio.Event()
        self.revalidation = Revalidation(self._revalidate)

    # Connections

    def join(self, connection: Connection) -> None:
        longest = LONGEST_SECONDS * random.uniform(0.9, 1)  # noqa: S311 -- spreads the reconnects
        connection.due = asyncio.get_running_loop().time() + min(max(connection.expires_in, 0.0), longest)
        self.revalidation.add(connection)
        self.replay(connection)

    def leave(self, connection: Connection) -> None:
        self.revalidation.remove(connection)
        self._unsure.pop(connection, None)

    def replay(self, connection: Connection) -> None:
        """Apply revocations from the time between the connection's admission and its joining."""
        for name in (connection.owner if connection.credential else "", *connection.sessions):
            for handled in (*self._before.get(name, ()), *self._recent.get(name, ())):
                if handled.at >= connection.admitted_at:
                    self._act(handled, [connection])

    # Revocations

    async def skip_earlier(self) -> None:
        """Skip the revocations that are older than this hub. Await this before each admission.

        Every connection is then admitted after the first read, so each revocation read later applies to it.
        """
        if self._has_read:
            return
        async with self._first_read:
            if not self._has_read:
                await self._database(self._unread.take)
                self._has_read = True

    async def handle_revocations(self) -> None:
        """Apply the revocations committed since the last read."""
        await self.skip_earlier()
        rows = await self._read_revocations()
        while len(rows) == MOST:
            rows = await self._read_revocations()

    async def _read_revocations(self) -> list[Revoked]:
        rows = await self._database(self._unread.take)
        self._forget()
        checked: dict[Connection, None] = {}
        for row in rows:
            handled = _Handled(row, time.monotonic())
            self._recent.setdefault(row.session or row.person, []).append(handled)
            if touched := self._affected_by(row):
                if row.what == RevocationType.CHECK:
                    checked |= dict.fromkeys(touched)
                else:
                    self._act(handled, touched)
        await self._end_signed_out(list(checked))
        return rows

    def _forget(self) -> None:
        if time.monotonic() - self._turned > REMEMBERED:
            self._turned = time.monotonic()
            self._recent, self._before = {}, self._recent

    def _affected_by(self, row: Revoked) -> Sequence[Connection]:
        if row.what == RevocationType.SESSION:
            return self._registry.of_session(row.session)
        if row.what == RevocationType.TOPIC and not row.person:
            return [connection for connection in self._registry.all() if not connection.credential]
        return self._registry.of_owner(row.person)

    def _act(self, handled: _Handled, connections: Iterable[Connection]) -> None:
        row = handled.row
        for connection in list(connections):
            if row.what == RevocationType.CHECK:
                self._recheck_soon(connection)
            elif row.what == RevocationType.TOPIC:
                if row.topic in connection.positions:
                    connection.end(refused(shown(row.topic)))
            else:
                connection.end(RESTART if row.what == RevocationType.RENEW else SESSION_OVER)

    async def _end_signed_out(self, connections: Sequence[Connection]) -> None:
        """End connections whose session is over. Host rules are not run: they may be slow and are irrelevant here."""
        asking = (self._database.batched(identify_many, one.credential, lane="revoked") for one in connections)
        answers = await asyncio.gather(*asking, return_exceptions=True)
        for answer, connection in zip(answers, connections, strict=True):
            if isinstance(answer, BaseException):
                self._recheck_soon(connection)
            elif answer is None or answer.person.pk != connection.person_pk:
                connection.end(SESSION_OVER)

    # Re-validation

    async def recheck(self) -> None:
        """Check connections that a revocation may concern, until the answer is known. Called in a loop."""
        await self._has_unsure.wait()
        self._has_unsure.clear()
        unsure, self._unsure = list(self._unsure), {}
        await self._end_signed_out(unsure)
        await self._end_invalid(unsure, lane="recheck")
        if self._unsure:
            await asyncio.sleep(_AGAIN_SECONDS)

    async def end_due(self) -> None:
        """End expired connections. One scan of all costs less time and memory than a timer each."""
        await asyncio.sleep(TIME_SECONDS)
        now = asyncio.get_running_loop().time()
        due = [connection for connection in self._registry.all() if connection.due <= now]
        if not due:
            return
        # If the session is over, the client receives `SESSION_OVER`. If it was extended, the client reconnects.
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._end_invalid(due, lane="expired")
        for connection in due:
            connection.end(RESTART)

    async def _revalidate(self, connections: Sequence[Connection]) -> None:
        await self._end_invalid(connections, lane="revalidate")

    def _recheck_soon(self, connection: Connection) -> None:
        self._unsure[connection] = None
        self._has_unsure.set()

    async def _end_invalid(self, connections: Iterable[Connection], *, lane: str) -> None:
        sharing: dict[AdmissionRequest, list[Connection]] = {}
        for connection in connections:
            sharing.setdefault(connection.request_for(connection.names), []).append(connection)
        asking = (self._database.batched(admit_many, asked, lane=lane) for asked in sharing)
        answers = await asyncio.gather(*asking, return_exceptions=True)
        for asked, answer in zip(sharing, answers, strict=True):
            for connection in sharing[asked]:
                _judge(connection, asked, answer)
        faults = [answer for answer in answers if isinstance(answer, BaseException) and not isinstance(answer, Refusal)]
        if faults:
            log.error(
                "%d connections could not be checked; the next round tries again", len(faults), exc_info=faults[0]
            )


def _judge(connection: Connection, asked: AdmissionRequest, answer: Admitted | BaseException) -> None:
    if isinstance(answer, Refusal):
        connection.end(answer.closing)
    elif isinstance(answer, BaseException):
        return  # A fault of a rule or of the database proves nothing about the person's rights.
    elif tuple(connection.names) == asked.names and _differ(connection, answer):
        # The person joined or left an audience. The client picks that up by reconnecting.
        connection.end(RESTART)


def _differ(connection: Connection, answer: Admitted) -> bool:
    allowed = set(answer.topics)
    # Nobody is removed from a list. One that is over stays silent, and need not make its people reconnect.
    kept = {topic for topic in connection.positions if topic in allowed or not audience_lists.is_list(topic)}
    return allowed != kept
