"""Authentication by Django's own session, outside of any request.

`django.contrib.auth.get_user` is not used: it gives a session signed with a fallback key a new key, which only a
response could pass to the browser. Nothing is written here.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.http import parse_cookie
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from notifications_hub.database.primary import from_primary
from notifications_hub.live.visitor import Credential, Visitor, hashed
from notifications_hub.users import Person
from notifications_hub.web.text import is_storable

_ROWS = {f"django.contrib.sessions.backends.{name}" for name in ("db", "cached_db")}
"""Engines that store sessions as rows, with or without a cache."""
MARK = "_notifications_hub"
"""Session key of the mark, a name that lasts as long as the session. The session's own key may change."""


def names_of(session_key: str) -> list[str]:
    """Return a session's key, and its mark if the session still exists and has one."""
    session = _sessions({session_key}).get(session_key)
    mark = str(session.data.get(MARK, "")) if session else ""
    return [session_key, mark] if mark else [session_key]


def check_many(session_keys: Sequence[str]) -> list[Visitor | None]:
    """Return the visitor of each session, or None if it is over.

    A session is over after signing out, expiry or a password change, or if the person is inactive or deleted.
    Django's own backends take one query for all sessions and one for all people; other backends one per session.
    """
    at = time.monotonic()
    # PostgreSQL rejects a query with a NUL in it, and one query serves all sessions.
    sessions = _sessions({key for key in session_keys if key and is_storable(key)})
    people = People(sessions.values())
    return [_signed_in(sessions.get(key), people, at) for key in session_keys]


@dataclass(frozen=True, slots=True)
class _Session:
    key: str
    data: Mapping[str, Any]
    seconds_left: float

    @property
    def backend_path(self) -> str:
        return str(self.data.get(BACKEND_SESSION_KEY, ""))

    @property
    def person_pk(self) -> Any:
        """The primary key of the session's person, or None if it names nobody."""
        return primary_key(self.data.get(SESSION_KEY))


def primary_key(text: Any) -> Any:
    """Return a stored primary key as the user model has it, or None if it is invalid."""
    try:
        return get_user_model()._meta.pk.to_python(text)
    except ValidationError:
        return None


def _sessions(keys: Collection[str]) -> dict[str, _Session]:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if settings.SESSION_ENGINE not in _ROWS:
        return {key: _loaded(store(key)) for key in keys}
    now = timezone.now()
    rows = from_primary(store.get_model_class().objects.filter(session_key__in=keys, expire_date__gt=now))
    decode = store().decode
    return {
        key: _Session(key, decode(data), (end - now).total_seconds())
        for key, data, end in rows.values_list("session_key", "session_data", "expire_date")
    }


def _loaded(session: SessionBase) -> _Session:
    data = dict(session.items())
    return _Session(session.session_key or "", data, seconds_left_of(session))


def seconds_left_of(session: SessionBase) -> float:
    """Return the seconds until a session expires."""
    # A session in the database stores its end; `get_expiry_age` counts its whole lifetime from now. A new session,
    # such as that of a sign-in in this request, is not stored yet.
    rows = getattr(session, "model", None)
    if rows is None or session.session_key is None:
        return float(session.get_expiry_age())
    found = from_primary(rows.objects.filter(session_key=session.session_key))
    end = found.values_list("expire_date", flat=True).first()
    return (end - timezone.now()).total_seconds() if end else 0.0


class Claim(Protocol):
    """A claim to be a person, made by a session or a token. The person signed in by an authentication backend."""

    @property
    def backend_path(self) -> str: ...

    @property
    def person_pk(self) -> Any:
        """The person's primary key, or None if the claim names nobody."""


class People:
    """The people of some sessions or tokens, loaded through their authentication backends."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        named = [claim for claim in claims if claim.backend_path in settings.AUTHENTICATION_BACKENDS]
        self._backends: dict[str, Any] = {path: load_backend(path) for path in {claim.backend_path for claim in named}}
        in_rows = {one.person_pk for one in named if _reads_rows(self._backends[one.backend_path])} - {None}
        self._rows = from_primary(get_user_model()._default_manager.all()).in_bulk(in_rows) if in_rows else {}

    def of(self, claim: Claim) -> Person | None:
        backend, pk = self._backends.get(claim.backend_path), claim.person_pk
        if backend is None or pk is None:
            return None
        if not _reads_rows(backend):
            other: Person | None = backend.get_user(pk)
            return other
        person = self._rows.get(pk)
        return person if person is not None and backend.user_can_authenticate(person) else None


def _reads_rows(backend: object) -> bool:
    return getattr(type(backend), "get_user", None) is ModelBackend.get_user


def _signed_in(session: _Session | None, people: People, at: float) -> Visitor | None:
    person = people.of(session) if session else None
    if session is None or person is None or not _is_current(session, person):
        return None
    names = tuple(hashed(name) for name in (session.key, str(session.data.get(MARK, ""))) if name)
    return Visitor(person, Credential(session.key), session.seconds_left, names, at)


def _is_current(session: _Session, person: Person) -> bool:
    given = str(session.data.get(HASH_SESSION_KEY, ""))
    return any(constant_time_compare(given, one) for one in auth_hashes(person))


def auth_hashes(person: Person) -> list[str]:
    """Return the hashes of a session with the person's current password, one for each secret key in use."""
    return [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]


def session_key_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the session key from the cookies of an ASGI scope's headers, read as Django does, or an empty string."""
    cookies = "; ".join(value.decode("latin1") for name, value in headers if name.lower() == b"cookie")
    return str(parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, ""))
