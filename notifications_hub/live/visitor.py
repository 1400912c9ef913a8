"""The visitor behind a connection: a session's person, a token's person, or nobody in particular."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

from django.contrib.auth.models import AnonymousUser

from notifications_hub.conf import hub_settings
from notifications_hub.users import Person, person_key

_ADDRESS = "address:"
"""Begins the key of an address. No person's key has a colon."""


@dataclass(frozen=True, slots=True)
class Credential:
    """The proof of who a client's person is: a session's key, or a connection token. An empty one proves nothing."""

    session_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.session_key or self.token)


ANONYMOUS = Credential()


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor as admission found them.

    Their credential lasts `seconds_left`; `at` is the monotonic time before anything was read. `sessions` are the
    hashed names by which a revocation may refer to it. A token allows only its `topics`. A visitor who is not signed in
    is counted by their `address`.
    """

    person: Person | AnonymousUser
    credential: Credential
    seconds_left: float = math.inf
    sessions: tuple[str, ...] = ()
    at: float = 0.0
    topics: frozenset[str] | None = None
    address: str = ""

    @property
    def owner(self) -> str:
        """The key that the visitor's connections are counted by: a person's key, or that of an address.

        A server behind a Unix socket may know no address. Then each connection is counted alone.
        """
        if self.person.is_authenticated:
            return person_key(self.person.pk)
        return f"{_ADDRESS}{self.address or secrets.token_hex(8)}"


def address_in(owner: str) -> str:
    """Return the address of an owner who is not signed in. A connection without one has a name of its own."""
    return owner.removeprefix(_ADDRESS)


def cap_of(owner: str) -> int:
    """Return how many connections an owner may have; 0: no limit."""
    return hub_settings.live_anonymous_per_address if owner.startswith(_ADDRESS) else hub_settings.live_per_user


def hashed(name: str) -> str:
    """Return the hash that names a session or token in a row, because a leaked row must not allow signing in."""
    return sha256(name.encode()).hexdigest()
