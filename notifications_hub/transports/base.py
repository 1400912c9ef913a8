"""The transport protocol: its methods and its promises.

    TransportError                  the message was not handed over
    ├── permanent=False             worth another try, after `retry_after` seconds if the other side gave a time
    │   ├── TooLong                 worth another try at once, with a shorter message
    │   └── PutOff                  not even tried: the other side is known not to accept it now
    └── permanent=True              pointless to try again: this address will never work

Retrying, preferences and the record of attempts belong to delivery, never to a transport.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from django.contrib.auth.models import AbstractBaseUser

from notifications_hub.delivery.reasons import DeliveryReason
from notifications_hub.message import Message


class TransportError(Exception):
    """Raised when a message was not handed over. The worker then retries, unless `permanent` is set.

    `reason` is for people: a short sentence without secrets, or a code of this package's own with parameters.
    `permanent` means that the address will never work again. `retry_after` is the number of seconds to wait, and
    `status` the HTTP status, if the other side sent one.
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
    """Raised when a message is too long. The worker sends it again at once, with a shorter text."""


class PutOff(TransportError):
    """Raised when a message was not tried, because the other side is known to refuse it now."""


class Transport(Protocol):
    """A way to send a message to an address.

    - `send` may be called twice for the same message and address: a worker killed between sending and recording sends
      again. The person should then see one, so a transport passes on the message's `tag` if its medium has tags.
    - `send` returns once the other side has accepted the message, and raises `TransportError` otherwise, and nothing
      else. It has a deadline of its own (10 seconds or less), however the other side behaves.
    - Many `send` may run at once in one event loop, and one instance may serve several loops.
    - An address never changes hands: a message planned for one person is never sent to another.

    Two methods are enough. A class may also declare these attributes:

    - `name`: the same as its key in the setting `TRANSPORTS`, which wins.
    - `label`: the name that people read, which may be lazily translated. Default: the key in words.
    - `on_by_default = True`: it joins the default methods of every optional kind that does not declare its own
      `methods`. People who have chosen for a kind keep their choice.
    - `optional = False`: people may not switch it off where it is among a kind's default methods.
    - `confirms = True`: an accepted message does not count as delivered yet. Its receiver reports that it was shown, by
      posting the message's `token` to its `act_url`. Otherwise the notification is delivered once `send` returns.
    - `interrupts = False`: its messages disturb nobody, so they are sent in quiet hours too, each by itself.
    - `digests = True`: its messages wait for the digests that people chose. `send` also gets messages with `sections`:
      a line for each notification, grouped by kind. So it does after quiet hours.
    - `retracts = True`: it can take a message back. After an announcement was withdrawn, `send` gets a message with
      `retracts`, whose `tag` is that of the message to remove. It may be the only one that arrives, or arrive twice.
    - `delay`: the seconds from the event in which another method may deliver it first. Default: `ACK_WINDOW`.
    """

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        """Return the person's addresses, each of at most 255 characters; an empty list if it cannot reach them."""
        ...

    async def send(self, message: Message, address: str) -> int | None:
        """Send the message. Return the status of the other side's answer, if its protocol has statuses."""
        ...


Send = Callable[[Message], Awaitable[int | None]]
"""A transport's `send` to one address."""


@runtime_checkable
class FindsMany(Protocol):
    """Optional: find the addresses of many people in one go, by primary key. Leave out people without any."""

    def addresses_of(self, people: Collection[Any]) -> Mapping[Any, Iterable[str]]: ...


@dataclass(frozen=True, slots=True)
class AddressTable:
    """A table of the hub's database with a transport's addresses. `usable` is an SQL condition without parameters."""

    name: str
    owner: str
    address: str
    usable: str


@runtime_checkable
class KeepsTable(Protocol):
    """Optional: name the table that `addresses_of` reads, so that deliveries are planned by one statement with the
    notifications. Return None if nobody has an address at present."""

    def address_table(self) -> AddressTable | None: ...


@runtime_checkable
class Loads(Protocol):
    """Optional, for a transport with addresses in the database. Called before a batch is sent, outside an event loop.

    Return, per address, a function that sends to it as `send` does, without the database. Leave out unknown addresses.
    """

    def load(self, addresses: Collection[str]) -> Mapping[str, Send]: ...


@runtime_checkable
class Learns(Protocol):
    """Optional, for a transport that stores addresses. Called after results are recorded, outside an event loop.

    It forgets addresses that will never work again. Learning the same result twice is harmless.
    """

    def learn(self, results: Sequence[tuple[str, TransportError | None]]) -> None: ...


@runtime_checkable
class Closes(Protocol):
    """Optional, for a transport with open connections. `close` closes those of the running event loop."""

    async def close(self) -> None: ...
