"""A transport that keeps messages in a list, for tests and demonstrations of this project and of its users."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from weakref import WeakSet

from django.contrib.auth.models import AbstractBaseUser

from notifications_hub.message import Message
from notifications_hub.transports.base import TransportError

_instances: WeakSet[Memory] = WeakSet()


def clear_memories() -> None:
    """Clear every transport in memory of this process. For tests."""
    for memory in list(_instances):
        memory.clear()


class Memory:
    """A transport in memory. Each person has one address, their primary key, until it is forgotten."""

    def __init__(self) -> None:
        self.outbox: list[tuple[Message, str]] = []
        self._failures: deque[TransportError] = deque()
        self._forgotten: set[str] = set()
        _instances.add(self)

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        address = str(person.pk)
        return [] if address in self._forgotten else [address]

    async def send(self, message: Message, address: str) -> None:
        if self._failures:
            raise self._failures.popleft()
        if address in self._forgotten:
            raise TransportError("This address was forgotten.", permanent=True)
        self.outbox.append((message, address))

    def learn(self, results: Sequence[tuple[str, TransportError | None]]) -> None:
        self._forgotten |= {address for address, error in results if error is not None and error.permanent}

    def fail_next(self, *errors: TransportError) -> None:
        """Make the next sends raise these errors, one each."""
        self._failures.extend(errors)

    def clear(self) -> None:
        self.outbox.clear()
        self._failures.clear()
        self._forgotten.clear()
