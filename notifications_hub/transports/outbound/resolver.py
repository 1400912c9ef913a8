"""A resolver that allows only safe addresses for connections to services outside.

It checks when the connection is opened, so a name that resolves differently the second time gains nothing. It is not
part of `endpoints.py`, which every process imports, because the HTTP client takes long to import.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from notifications_hub.transports.outbound.endpoints import MayBePrivate, is_public


class PrivateAddress(OSError):
    """Raised when a name resolves into a private network."""


class GuardedResolver(AbstractResolver):
    """A resolver that only returns allowed addresses. The connection uses them, so no name is resolved again.

    An address that is already a number passes no resolver: check it with `check_addresses` before.
    """

    def __init__(self, may_be_private: MayBePrivate, inner: AbstractResolver | None = None) -> None:
        self._may_be_private = may_be_private
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not self._may_be_private(host, port) and not all(is_public(result["host"]) for result in found):
            raise PrivateAddress(f"{host} leads into a private network")
        return found

    async def close(self) -> None:
        await self._inner.close()
