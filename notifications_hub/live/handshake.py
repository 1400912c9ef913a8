"""A client's handshake with the hub: it waits for its turn, and is admitted as a person or as nobody in particular."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from notifications_hub.live.access_enforcement import AccessEnforcer
from notifications_hub.live.admission import (
    AdmissionRequest,
    Admitted,
    ConnectionRequest,
    Refusal,
    admit_many,
    credential_of,
)
from notifications_hub.live.close_codes import SESSION_OVER, TOO_MANY
from notifications_hub.live.connection import Connection
from notifications_hub.live.db_threads import Database
from notifications_hub.live.deadline import deadline
from notifications_hub.live.handshake_limit import HandshakeLimit, HandshakeRate, address_of, wait_of_strangers
from notifications_hub.live.visitor import ANONYMOUS, Credential, address_in


class Handshakes:
    """The handshakes of one process."""

    def __init__(self, database: Database, cache: Database, enforcer: AccessEnforcer) -> None:
        self._database = database
        self._cache = cache
        self._enforcer = enforcer
        self._limit = HandshakeLimit()
        self._rate = HandshakeRate()

    async def admit(self, scope: Mapping[str, Any], wanted: ConnectionRequest) -> Admitted:
        """Admit a client, or raise `Refusal`. A request without a credential needs a query only for public topics."""
        asked = wanted.admission_request(credential_of(scope, wanted.token))
        if asked.credential:
            self._count(asked.credential)
            try:
                return await self._admit_in_turn(scope, asked)
            except Refusal as refusal:
                if refusal.closing != SESSION_OVER or not asked.may_be_anonymous:
                    raise
        if not asked.may_be_anonymous:
            raise Refusal(SESSION_OVER)
        await self._count_stranger(address_of(scope))
        admitted = await self._admit_in_turn(scope, replace(asked, credential=ANONYMOUS))
        return replace(admitted, visitor=replace(admitted.visitor, address=address_of(scope)))

    async def admit_again(self, connection: Connection, names: Sequence[str]) -> Admitted:
        """Admit an open connection to other topics, or raise `Refusal`. It counts like a handshake."""
        if connection.credential:
            self._count(connection.credential)
        else:
            await self._count_stranger(address_in(connection.owner))
        async with deadline():
            return await self._admit(connection.request_for(names))

    def _count(self, credential: Credential) -> None:
        if seconds := self._rate.wait_of(credential):
            raise Refusal(replace(TOO_MANY, retry_after=seconds))

    async def _count_stranger(self, address: str) -> None:
        # A cache that hangs must not keep the place of a person who waits. Strangers are not counted meanwhile.
        if seconds := await self._cache.in_time(wait_of_strangers, address):
            raise Refusal(replace(TOO_MANY, retry_after=seconds))

    async def _admit_in_turn(self, scope: Mapping[str, Any], asked: AdmissionRequest) -> Admitted:
        async with self._limit.enter(scope.get("client")), deadline():
            await self._enforcer.skip_earlier()
            return await self._admit(asked)

    async def _admit(self, asked: AdmissionRequest) -> Admitted:
        # People do not wait for the rules that strangers make run.
        return await self._database.batched(admit_many, asked, lane="" if asked.credential else "strangers")
