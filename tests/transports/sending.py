"""Helpers for tests of several transports."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from asgiref.sync import async_to_sync

from notifications_hub.message import Message
from notifications_hub.testing.sending import MESSAGE
from notifications_hub.transports import Closes, Learns, Transport, TransportError

REPLY = MESSAGE


def reply(**changes: object) -> Message:
    return replace(REPLY, **changes)  # type: ignore[arg-type]


def send(transport: Transport, message: Message, *addresses: str) -> list[TransportError | None]:
    """Send to all addresses at once, as a worker does. Return each `TransportError`; raise any other error."""

    async def run() -> list[TransportError | None]:
        try:
            return await asyncio.gather(*(attempt(address) for address in addresses))
        finally:
            if isinstance(transport, Closes):
                await transport.close()

    async def attempt(address: str) -> TransportError | None:
        try:
            await transport.send(message, address)
        except TransportError as error:
            return error
        return None

    errors = async_to_sync(run)()
    if isinstance(transport, Learns):
        transport.learn(list(zip(addresses, errors, strict=True)))
    return errors


def send_one(transport: Transport, message: Message, address: str) -> TransportError | None:
    return send(transport, message, address)[0]
