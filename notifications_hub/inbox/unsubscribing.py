"""Switch a person's emails off by the link in one of them, and on again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing

from notifications_hub.database import transaction
from notifications_hub.database.primary import from_primary
from notifications_hub.delivery import preferences
from notifications_hub.kinds import Kind, all_kinds
from notifications_hub.transports import default_methods, get_transport, locked_methods, transport_names
from notifications_hub.transports.email.transport import Email
from notifications_hub.transports.email.unsubscribe_links import Subscription
from notifications_hub.users import Person

UNDO_SALT = "notifications_hub.resubscribe"
UNDO_AGE = 3600
"""Seconds in which the page that a link led to may be undone."""


class CannotUndo(ValueError):
    """Raised for a token that is invalid, or older than an hour."""


def person_of(subscription: Subscription) -> Person | None:
    """Return the person of a link, unless they are gone."""
    found: Person | None = from_primary(get_user_model()._base_manager.filter(pk=subscription.person_pk)).first()
    return found


def unsubscribe(subscription: Subscription) -> list[str]:
    """Switch emails off, of its kind or of all that people may choose. Return the names of the kinds that changed."""
    return _switch(subscription.person_pk, _kinds_of(subscription), on=False)


def is_unsubscribed(subscription: Subscription) -> bool:
    """Return whether nothing is left to switch off."""
    emails, methods = _email_methods(), _methods_of(subscription.person_pk)
    return not any(emails & (methods(kind) - locked_methods(kind)) for kind in _kinds_of(subscription))


def undo_token(subscription: Subscription, kinds: Collection[str]) -> str:
    """Return a token that switches the emails of these kinds on again."""
    return signing.dumps([str(subscription.person_pk), list(kinds)], salt=UNDO_SALT)


def undo(subscription: Subscription, token: str) -> None:
    """Switch on what the same person switched off. Raise `CannotUndo`."""
    try:
        person, names = signing.loads(token, salt=UNDO_SALT, max_age=UNDO_AGE)
    except (signing.BadSignature, TypeError, ValueError):
        raise CannotUndo from None
    if person != str(subscription.person_pk):
        raise CannotUndo
    _switch(subscription.person_pk, [kind for kind in _choosable() if kind.name in names], on=True)


def _switch(person_pk: Any, kinds: Collection[Kind], *, on: bool) -> list[str]:
    emails, changed = _email_methods(), []
    with transaction.atomic():
        methods = _methods_of(person_pk)
        for kind in kinds:
            before = methods(kind)
            after = before | emails if on else before - (emails - locked_methods(kind))
            if after != before:
                preferences.choose_methods_of(person_pk, kind.name, after)
                changed.append(kind.name)
    return changed


def _methods_of(person_pk: Any) -> Callable[[Kind], frozenset[str]]:
    """Return a function for the person's delivery methods by kind. One query for all kinds."""
    chosen = preferences.methods_by_kind(person_pk)
    return lambda kind: locked_methods(kind) | chosen.get(kind.name, default_methods(kind))


def _kinds_of(subscription: Subscription) -> list[Kind]:
    return [kind for kind in _choosable() if subscription.kind in ("", kind.name)]


def _choosable() -> list[Kind]:
    return [kind for kind in all_kinds() if kind.optional]


def _email_methods() -> frozenset[str]:
    return frozenset(name for name in transport_names() if isinstance(get_transport(name), Email))
