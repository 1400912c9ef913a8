"""Revocations for Django's own ways of ending a session, written in the same transaction if there is one.

These are signing out, signing in as somebody else, a changed password, and deactivating or deleting a person. A session
is known by its key and by a mark that signing in stores in it. The key alone is not enough: it changes when Django
cycles it, and at each change of a session that is kept in a cookie.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import models
from django.db.models.signals import post_delete, post_save, pre_save

from notifications_hub.live.revocation import RevocationType, revoke_sessions, write
from notifications_hub.live.session import MARK, names_of
from notifications_hub.users import person_key

if TYPE_CHECKING:
    from django.http import HttpRequest

_ENDS_SESSIONS = "_notifications_hub_ends_sessions"


def connect() -> None:
    """Connect the receivers. Call this after the models are loaded."""
    user_logged_in.connect(_signed_in, dispatch_uid="notifications_hub.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="notifications_hub.signed_out")
    for model in apps.get_models():
        if issubclass(model, get_user_model()):
            watch_model(model)


def watch_model(model: type[models.Model]) -> None:
    """Watch people saved through this model. A proxy or a child model sends signals of its own."""
    for signal, receiver in ((pre_save, _before_save), (post_save, _saved), (post_delete, _deleted)):
        uid = f"notifications_hub.{receiver.__name__}.{model._meta.label}"
        signal.connect(receiver, sender=model, dispatch_uid=uid)


# Sessions


def _signed_in(request: HttpRequest | None, **kwargs: object) -> None:
    session = getattr(request, "session", None)
    if request is None or session is None:
        return
    mark = session.setdefault(MARK, secrets.token_urlsafe(12))
    before = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not before or before == getattr(session, "session_key", None):
        return
    over = names_of(before)
    if mark not in over:
        revoke_sessions(over)


def _signed_out(request: HttpRequest | None, user: Any, **kwargs: object) -> None:
    if request is None:
        # Channels signs out a scope, and passes only the person.
        if user is not None:
            write(RevocationType.RENEW, person=person_key(user.pk))
        return
    session = getattr(request, "session", None)
    if key := getattr(session, "session_key", None):
        names = [key, session.get(MARK)] if session is not None else []
        revoke_sessions(name for name in names if name)


# People


def _before_save(instance: Any, using: str, update_fields: Collection[str] | None, **kwargs: object) -> None:
    setattr(instance, _ENDS_SESSIONS, _ends_sessions(instance, using, update_fields))


def _saved(instance: Any, **kwargs: object) -> None:
    if instance.__dict__.pop(_ENDS_SESSIONS, False):
        write(RevocationType.CHECK, person=person_key(instance.pk))


def _deleted(instance: Any, **kwargs: object) -> None:
    write(RevocationType.PERSON, person=person_key(instance.pk))


def _ends_sessions(instance: Any, using: str, update_fields: Collection[str] | None) -> bool:
    """Return whether the save ends sessions, by comparing it with the stored row.

    The instance alone does not suffice: it may be stale, or was never loaded. This takes one query by primary key,
    unless the save changes no deciding field.
    """
    fields = [field for field in instance._meta.concrete_fields if _is_saved(field, update_fields)]
    if _is_new(instance) or _deciding(type(instance)).isdisjoint(field.name for field in fields):
        return False
    stored = type(instance)._base_manager.using(using).filter(pk=instance.pk).first()
    if stored is None:
        return False
    before = _rights_of(stored)
    for field in fields:
        setattr(stored, field.attname, getattr(instance, field.attname))
    return _rights_of(stored) != before


def _is_saved(field: Any, update_fields: Collection[str] | None) -> bool:
    return update_fields is None or field.name in update_fields or field.attname in update_fields


def _is_new(instance: Any) -> bool:
    # If the key has a default, as a UUID does, Django inserts without looking for a row.
    return instance.pk is None or (instance._state.adding and instance._meta.pk.has_default())


def _deciding(model: Any) -> set[str]:
    """Return the fields that decide whether a session stays valid."""
    fields = {field.name for field in model._meta.concrete_fields}
    computed = ("get_session_auth_hash", "_get_session_auth_hash")
    is_djangos = all(getattr(model, name, None) is getattr(AbstractBaseUser, name) for name in computed)
    if is_djangos and ("is_active" in fields or getattr(model, "is_active", True) is True):
        return {"password", "is_active"}
    # Signing in saves only this field, which ends no session.
    return fields - {"last_login"}


def _rights_of(person: Any) -> tuple[str, bool]:
    # A custom user model may have neither; Django allows that.
    auth_hash = getattr(person, "get_session_auth_hash", str)()
    return auth_hash, bool(getattr(person, "is_active", True))
