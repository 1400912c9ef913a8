from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from pytest_django import Settings

from notifications_hub.transports.outbound.resolver import GuardedResolver, PrivateAddress
from notifications_hub.transports.web_push.endpoints import is_extra_host


class FixedResolver(AbstractResolver):
    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


def test_a_connection_gets_public_addresses_only() -> None:
    found = asyncio.run(GuardedResolver(is_extra_host, FixedResolver("8.8.8.8")).resolve("fcm.googleapis.com", 443))
    assert [result["host"] for result in found] == ["8.8.8.8"]
    with pytest.raises(PrivateAddress):
        asyncio.run(
            GuardedResolver(is_extra_host, FixedResolver("8.8.8.8", "127.0.0.1")).resolve("fcm.googleapis.com", 443)
        )


def test_a_connection_to_an_extra_host_may_be_private(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"PUSH_EXTRA_HOSTS": ["push.internal:80"]}
    found = asyncio.run(GuardedResolver(is_extra_host, FixedResolver("10.0.0.1")).resolve("push.internal", 80))
    assert [result["host"] for result in found] == ["10.0.0.1"]
