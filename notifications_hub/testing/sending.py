"""Send with a transport as a worker does: the steps of the behaviour suite."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import pytest
from asgiref.sync import async_to_sync

from notifications_hub.message import Message
from notifications_hub.testing.other_side import Fault, OtherSide
from notifications_hub.transports import Closes, Learns, Loads, Send, Transport, TransportError

T = TypeVar("T")
Sent = list[TransportError | None]

MESSAGE = Message(
    id="12",
    kind="comment.reply",
    title="Bob replied to “Hello”",
    body="I agree. 我同意 👋",
    url="/posts/9/",
    tag="n12",
    token="WzEyLDddOnNpZ25lZA",  # noqa: S106 -- a part of every message
    act_url="/api/v1/push/act/",
)


def reach_and_fail(other_side: OtherSide, fault: Fault, person: Any) -> str:
    """Return the address of a person whose next message fails. Skip the test if the medium does not know the fault."""
    if fault in other_side.lacks:
        pytest.skip(f"This other side does not know the fault {fault.name}: {fault.value}.")
    address = other_side.reach(person)
    other_side.fail_next(fault, address)
    return address


def send(transport: Transport, address: str, message: Message = MESSAGE) -> Sent:
    return send_all(transport, [(message, address)])


def send_all(transport: Transport, jobs: Sequence[tuple[Message, str]]) -> Sent:
    """Send at once, as a worker does. Return a `TransportError` or None for each; raise any other error."""
    errors = send_by(transport, jobs, load(transport, [address for _message, address in jobs]))
    if isinstance(transport, Learns):
        transport.learn([(address, error) for (_message, address), error in zip(jobs, errors, strict=True)])
    return errors


def load(transport: Transport, addresses: Sequence[str]) -> Mapping[str, Send]:
    """Return the function that sends to each address, as a worker finds it."""
    loaded = transport.load(set(addresses)) if isinstance(transport, Loads) else {}
    return {address: loaded.get(address) or partial(transport.send, address=address) for address in addresses}


def send_by(transport: Transport, jobs: Sequence[tuple[Message, str]], senders: Mapping[str, Send]) -> Sent:
    """Send at once in an event loop of its own, with the function of each address."""

    async def run() -> Sent:
        return await asyncio.gather(*(attempt(senders[address], message) for message, address in jobs))

    return run_in_loop(transport, run())


async def attempt(send_message: Send, message: Message) -> TransportError | None:
    try:
        await send_message(message)
    except TransportError as error:
        return error
    return None


def run_in_loop(transport: Transport, work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine in an event loop of its own, and close the transport's connections in it."""

    async def run() -> T:
        try:
            return await work
        finally:
            if isinstance(transport, Closes):
                await transport.close()

    return async_to_sync(run)()


def titles_at(other_side: OtherSide, address: str) -> list[bool]:
    """Return, for each message that arrived at the address, whether it has the title."""
    return [MESSAGE.title in received.text for received in other_side.received(address)]
