"""What a transport is and what it promises.

    TransportError                  the message was not handed over
    ├── permanent=False             this time; worth another try, after `retry_after` seconds if the other side said so
    │   ├── TooLong                 worth another try at once, in fewer words
    │   └── PutOff                  it was not even tried: the other side is known not to take it now
    └── permanent=True              and never will be: this address will never work again

Retrying, preferences and the record of attempts belong to delivery, never to a transport.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from django.contrib.auth.models import AbstractBaseUser

from notifications_hub.delivery.reasons import DeliveryReason
from notifications_hub.message import Message


class TransportError(Exception):
    """Raised when a message was not handed over. `status` is the HTTP status of the answer, if one came.

    `reason` is for people: a short sentence without secrets, or a code of this package's own with parameters.
    """

    def __init__(
        self,
        reason: str | DeliveryReason,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
        self.status = status


class TooLong(TransportError):
    pass


class PutOff(TransportError):
    pass


class Transport(Protocol):
    """A way to send a message to an address.

    - `send` may be called twice for the same message and address: a worker killed between sending and recording sends
      again. The person should then see one, so a transport hands on the message's `tag` where its medium has one.
    - `send` returns once the other side has taken the message, raises `TransportError` when it has not, and raises
      nothing else. It is bounded by a deadline of its own (10 seconds or less), whatever the other side does.
    - Many `send` may run at once in one event loop, and one instance may serve several loops.
    - An address never changes hands: what was planned for one person is never sent to another.
    - `label`, where it has one, is what people call it in their preferences; it may be lazily translated.
    """

    name: str

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        """Where this person can be reached, each at most 255 characters. Nothing means: not by this delivery method."""
        ...

    async def send(self, message: Message, address: str) -> int | None:
        """Gives the status of the other side's answer, where there is such a thing."""
        ...


Send = Callable[[Message], Awaitable[int | None]]
"""A transport's `send` to one address."""


@runtime_checkable
class FindsMany(Protocol):
    """Optional: finds the addresses of many people in one go, by primary key; people without are left out."""

    def addresses_of(self, people: Collection[Any]) -> Mapping[Any, Iterable[str]]: ...


@runtime_checkable
class Loads(Protocol):
    """Optional: a transport that keeps its addresses in the database. Called before many are sent to, in no event loop.

    What it gives does what `send` does to that address, and asks the database for nothing. Addresses that are unknown
    are left out.
    """

    def load(self, addresses: Collection[str]) -> Mapping[str, Send]: ...


@runtime_checkable
class Learns(Protocol):
    """Optional: a transport that keeps its addresses. Called once it is recorded how sends went, in no event loop.

    It forgets those that will never work again. Learning the same twice is harmless.
    """

    def learn(self, results: Sequence[tuple[str, TransportError | None]]) -> None: ...


@runtime_checkable
class Closes(Protocol):
    """Optional: a transport that holds connections. `close` lets go of those of the running event loop."""

    async def close(self) -> None: ...
