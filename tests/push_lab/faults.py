"""Ways for a push service to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web


@dataclass
class Fault:
    """A fault. `reply` answers with `status`, `slow` after 1 s, `hang` never; `drop` cuts off, `drip` never ends."""

    status: int = 500
    mode: Literal["reply", "slow", "hang", "drop", "drip"] = "reply"
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    token: str | None = None


async def play(fault: Fault, request: web.Request) -> web.StreamResponse:
    if fault.mode == "hang":
        await asyncio.sleep(3600)
    if fault.mode == "slow":
        await asyncio.sleep(1)
    if fault.mode == "drop" and request.transport:
        request.transport.abort()
    if fault.mode == "drip":
        return await _drip(fault, request)
    return web.Response(status=fault.status, headers=fault.headers, body=fault.body)


async def _drip(fault: Fault, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=fault.status)
    await response.prepare(request)
    while True:
        await response.write(b".")
        await asyncio.sleep(0.2)
