"""Who is at the other end, by Django's own session, outside of any request.

`django.contrib.auth.get_user` is not used: for a session signed with a fallback key it gives the session a new key,
which only a response could hand to the browser. Here nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from notifications_hub.people import Person


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`seconds_left` of the session as it stands now."""

    person: Person
    session_key: str
    seconds_left: float


def check(session_key: str) -> SignedIn | None:
    """None for a session that is over: signed out, expired, password changed, person inactive or gone."""
    if not session_key:
        return None
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    person = _person(session)
    if person is None:
        return None
    return SignedIn(person, session_key, _seconds_left(session))


def _person(session: SessionBase) -> Person | None:
    backend_path: str = session.get(BACKEND_SESSION_KEY, "")
    if backend_path not in settings.AUTHENTICATION_BACKENDS:
        return None
    pk = get_user_model()._meta.pk.to_python(session[SESSION_KEY])
    person: Person | None = load_backend(backend_path).get_user(pk)
    return person if person is not None and _is_current(session, person) else None


def _is_current(session: SessionBase, person: Person) -> bool:
    given = session.get(HASH_SESSION_KEY, "")
    accepted = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    return any(constant_time_compare(given, one) for one in accepted)


def _seconds_left(session: SessionBase) -> float:
    # A session in the database knows its end; `get_expiry_age` would count its whole life from now.
    rows = getattr(session, "model", None)
    if rows is None:
        return float(session.get_expiry_age())
    end = rows.objects.filter(session_key=session.session_key).values_list("expire_date", flat=True).first()
    return (end - timezone.now()).total_seconds() if end else 0.0


def session_key_of(scope: Mapping[str, Any]) -> str:
    """From the cookies of an ASGI scope; empty where there is none."""
    cookies = "; ".join(value.decode("latin1") for name, value in scope["headers"] if name.lower() == b"cookie")
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
