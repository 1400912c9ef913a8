"""A resolver that allows only safe addresses for connections to push services.

It checks when the connection is opened, so a name that resolves differently the second time gains nothing. It is not
part of `endpoints.py`, which every process imports, because the HTTP client takes long to import.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from notifications_hub.transports.web_push.endpoints import is_extra_host, is_public


class PrivateAddress(OSError):
    """Raised when a push service's name resolves into a private network."""


class GuardedResolver(AbstractResolver):
    """A resolver that only returns allowed addresses. The connection uses them, so no name is resolved again."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not is_extra_host(host, port) and not all(is_public(result["host"]) for result in found):
            raise PrivateAddress(f"{host} leads into a private network")
        return found

    async def close(self) -> None:
        await self._inner.close()
