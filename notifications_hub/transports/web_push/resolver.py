"""The addresses that a connection to a push service may go to.

Checked where the connection is opened, so a name that answers differently the second time gains nothing. Apart from
`endpoints.py`, which every process imports, because the HTTP client takes long to import.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from notifications_hub.transports.web_push.endpoints import is_extra_host, is_public


class PrivateAddress(OSError):
    """A push service's name leads into a private network."""


class GuardedResolver(AbstractResolver):
    """Gives a connection only addresses it may go to, which pins it to what was checked: nobody resolves again."""

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
