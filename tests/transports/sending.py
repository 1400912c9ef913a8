"""Helpers for tests of several transports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from notifications_hub.message import Message
from notifications_hub.testing.sending import MESSAGE, send_by
from notifications_hub.transports import Learns, Transport, TransportError

REPLY = MESSAGE

T = TypeVar("T")


def reply(**changes: object) -> Message:
    return replace(REPLY, **changes)  # type: ignore[arg-type]


def send(transport: Transport, message: Message, *addresses: str) -> list[TransportError | None]:
    """Send to all addresses at once by `Transport.send`. Return each `TransportError`; raise any other error."""
    senders = {address: partial(transport.send, address=address) for address in addresses}
    errors = send_by(transport, [(message, address) for address in addresses], senders)
    if isinstance(transport, Learns):
        transport.learn(list(zip(addresses, errors, strict=True)))
    return errors


def send_one(transport: Transport, message: Message, address: str) -> TransportError | None:
    return send(transport, message, address)[0]


async def first_ended(
    tasks: Sequence[asyncio.Task[T]], count: float
) -> tuple[set[asyncio.Task[T]], set[asyncio.Task[T]]]:
    """Wait until so many tasks have ended. Return the tasks that have ended, and the others."""
    done: set[asyncio.Task[T]] = set()
    rest = set(tasks)
    async with asyncio.timeout(30):
        while len(done) < count:
            ended, rest = await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
            done |= ended
    return done, rest
