"""Connection tokens, for clients without cookies: signed, short-lived, for one person and some topics.

No row is stored for a token. Its signature holds until it expires, unless a revocation refers to it, its person or its
session. It also holds a hash of the password's session hash, so it ends with a changed password.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.backends import BaseBackend
from django.contrib.sessions.backends.base import SessionBase
from django.core.signing import BadSignature, Signer
from django.utils.crypto import constant_time_compare

from notifications_hub.live.revocation import LONGEST_TOKEN, Revocations, token_name
from notifications_hub.live.session import MARK, People, auth_hashes, primary_key, seconds_left_of
from notifications_hub.live.topics import INBOX, MAX_TOPICS
from notifications_hub.live.visitor import Credential, Visitor, hashed
from notifications_hub.users import Person, person_key

PREFIX = "hub_"
"""Marks a token of the hub, so that a bearer token of another system is left alone."""
MAX_LENGTH = 4096
"""Characters of a token. It must fit in a URL."""
DEFAULT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class ConnectionToken:
    """A connection token: the secret `text` that a client sends, and the `id` that revokes it."""

    text: str = field(repr=False)
    id: str
    topics: tuple[str, ...]
    expires: datetime

    def __str__(self) -> str:
        return self.text


def connection_token(
    user: Person,
    topics: Sequence[str] = (INBOX,),
    *,
    seconds: float = DEFAULT_SECONDS,
    session: SessionBase | None = None,
) -> ConnectionToken:
    """Return a token that opens connections for a person on these topics only, for at most an hour.

    The topics' rules are checked when it is used. With the person's `session`, it ends with that session. Raise
    `ValueError` for invalid `seconds`, for more than 32 topics, or if their names are too long together.
    """
    if not 0 < seconds <= LONGEST_TOKEN:
        raise ValueError(f"A connection token lasts for more than 0 and at most {LONGEST_TOKEN:.0f} seconds.")
    names = tuple(dict.fromkeys(topics))
    if not 0 < len(names) <= MAX_TOPICS:
        raise ValueError(f"A connection token names at least one topic, and at most {MAX_TOPICS}.")
    claim = _Claim.new(user, names, seconds, session)
    text = PREFIX + _signer().sign_object(asdict(claim))
    if len(text) > MAX_LENGTH:
        raise ValueError("The names of these topics are too long together for one connection token.")
    return ConnectionToken(text, claim.id, names, datetime.fromtimestamp(claim.expires, UTC))


def token_of(authorization: str, in_query: str) -> str:
    """Return the connection token of a request: that of its `Authorization` header, else that of its query, else "".

    A bearer token without the hub's prefix belongs to another system, such as a proxy that signs people in.
    """
    scheme, _space, text = authorization.strip().partition(" ")
    text = text.strip()
    return text if scheme.lower() == "bearer" and text.startswith(PREFIX) else in_query


def check_many(texts: Sequence[str]) -> list[Visitor | None]:
    """Return the visitor of each token, or None if it is invalid, expired or revoked.

    All take one query for people and one for revocations, besides those of other authentication backends.
    """
    at = time.monotonic()
    claims = {text: claim for text in set(texts) if (claim := _parse(text))}
    if not claims:
        return [None] * len(texts)
    people = People(claims.values())
    sessions = {name for claim in claims.values() for name in claim.sessions}
    revocations = Revocations(sessions, {claim.owner for claim in claims.values()})
    visitors = {text: _visitor(text, claim, people, revocations, at) for text, claim in claims.items()}
    return [visitors.get(text) for text in texts]


@dataclass(frozen=True, slots=True)
class _Claim:
    """The content of a token. Anyone who has the token can read it, so it holds hashes of secrets only."""

    id: str
    person: str
    backend_path: str
    auth_hash: str
    session_names: tuple[str, ...]
    topics: tuple[str, ...]
    issued: float
    expires: float

    @classmethod
    def new(cls, user: Person, topics: tuple[str, ...], seconds: float, session: SessionBase | None) -> _Claim:
        now = time.time()
        lasts = seconds if session is None else min(seconds, seconds_left_of(session))
        return cls(
            id=secrets.token_urlsafe(9),
            person=get_user_model()._meta.pk.value_to_string(user),
            backend_path=_backend_of(user, session),
            auth_hash=hashed(user.get_session_auth_hash()),
            session_names=_names_of(session),
            topics=topics,
            issued=now,
            expires=now + lasts,
        )

    @property
    def person_pk(self) -> Any:
        return primary_key(self.person)

    @property
    def owner(self) -> str:
        return person_key(self.person_pk)

    @property
    def sessions(self) -> tuple[str, ...]:
        """The hashed names by which a revocation refers to the token, or to the session it was made in."""
        return (hashed(token_name(self.person_pk, self.id)), *self.session_names)


def _backend_of(user: Person, session: SessionBase | None) -> str:
    """Return the backend that signed the person in, else the first that finds people."""
    if session is not None and BACKEND_SESSION_KEY in session:
        return str(session[BACKEND_SESSION_KEY])
    return next((path for path in settings.AUTHENTICATION_BACKENDS if _finds_people(path)), "")


def _finds_people(backend_path: str) -> bool:
    # Some backends only check a sign-in: django-axes has one.
    method = getattr(type(load_backend(backend_path)), "get_user", None)
    return method not in (None, BaseBackend.get_user)


def _names_of(session: SessionBase | None) -> tuple[str, ...]:
    # Another sign-in in the same browser knows the old session by its key alone: Django has deleted it with its mark.
    names = (session.session_key, session.get(MARK)) if session is not None else ()
    return tuple(hashed(name) for name in names if name)


def _signer() -> Signer:
    # The default separator is a colon, which a bearer token may not have (RFC 6750, section 2.1).
    return Signer(sep=".", salt="notifications_hub.connection_token")


def _parse(text: str) -> _Claim | None:
    """Return the claim of a token, or None if it was not signed here or has expired."""
    if not text.startswith(PREFIX) or len(text) > MAX_LENGTH:
        return None
    try:
        values = _signer().unsign_object(text.removeprefix(PREFIX))
        lists = {name: tuple(values[name]) for name in ("topics", "session_names")}
        claim = _Claim(**{**values, **lists})
    except (BadSignature, ValueError, KeyError, TypeError):
        # Another release may have signed other fields.
        return None
    return claim if claim.person_pk is not None and claim.expires > time.time() else None


def _visitor(text: str, claim: _Claim, people: People, revocations: Revocations, at: float) -> Visitor | None:
    person = people.of(claim)
    if person is None or not _is_current(claim, person):
        return None
    if revocations.ends(claim.sessions, claim.owner, datetime.fromtimestamp(claim.issued, UTC)):
        return None
    left = claim.expires - time.time()
    return Visitor(person, Credential(token=text), left, claim.sessions, at, frozenset(claim.topics))


def _is_current(claim: _Claim, person: Person) -> bool:
    return any(constant_time_compare(claim.auth_hash, hashed(one)) for one in auth_hashes(person))
