"""The product's own transport for a test site, with every push service on this machine.

By its resolver alone, which is there to be replaced. The certificate is trusted by `SSL_CERT_FILE`.
"""

from __future__ import annotations

import os
import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from notifications_hub.transports.web_push.transport import WebPush, push_client

PORT = "TEST_PUSH_SERVICE_PORT"


class Mapped(WebPush):
    def __init__(self) -> None:
        super().__init__(push_client(resolver=_Loopback))


class _Loopback(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        here = int(os.environ[PORT])
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=here, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        pass
