"""Switch a person's emails off by the link in one of them, and on again."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from django.contrib.auth import get_user_model
from django.core import signing

from notifications_hub.database.primary import from_primary
from notifications_hub.delivery import preferences
from notifications_hub.delivery.preferences import Changes, Choices
from notifications_hub.inbox.preference_changes import Draft
from notifications_hub.inbox.preference_table import listed_kinds, lock_of
from notifications_hub.kinds import EVERY_KIND, Kind, all_kinds
from notifications_hub.transports import default_methods, get_transport, locked_methods, transport_names
from notifications_hub.transports.email.transport import Email
from notifications_hub.transports.email.unsubscribe_links import Subscription
from notifications_hub.use.models import Source
from notifications_hub.users import Person

UNDO_SALT = "notifications_hub.resubscribe"
UNDO_AGE = 3600
"""Seconds in which the page that a link led to may be undone."""


class State(StrEnum):
    """The effect that a link still has. `LOCKED`: its kind allows no choice. `GONE`: the site has no such kind."""

    ON = "on"
    OFF = "off"
    LOCKED = "locked"
    GONE = "gone"


class CannotUndo(ValueError):
    """Raised for a token that is invalid, or older than an hour."""


def person_of(subscription: Subscription) -> Person | None:
    """Return the person of a link, unless they are gone."""
    found: Person | None = from_primary(get_user_model()._base_manager.filter(pk=subscription.person_pk)).first()
    return found


def state_of(subscription: Subscription) -> State:
    """Return the effect that a link still has."""
    kinds = _kinds_of(subscription)
    if not kinds and subscription.kinds:
        return State.LOCKED if any(map(_is_known, subscription.kinds)) else State.GONE
    if subscription.kinds and not any(map(_emails, kinds)):
        return State.LOCKED
    return State.ON if _changes(preferences.choices_of(subscription.person_pk), subscription) else State.OFF


def unsubscribe(subscription: Subscription, source: Source) -> list[str]:
    """Switch emails off, of its kinds or of every kind, also of later ones. Return the names of the rows to undo."""
    changed: list[str] = []

    def decide(choices: Choices) -> Changes:
        changes, before = _changes(choices, subscription), choices.as_rows()
        changed.extend(name for name in changes if name not in before or name == EVERY_KIND or _had(before[name]))
        return changes

    preferences.change(subscription.person_pk, decide, source)
    return changed


def kept(subscription: Subscription) -> list[tuple[str, str]]:
    """Return the kinds whose emails a link cannot stop, each with the reason: labels of those that people know of."""
    if subscription.kinds:
        kinds = [kind for kind in all_kinds() if kind.name in subscription.kinds]
    else:
        kinds = [kind for kind in listed_kinds() if default_methods(kind) & _email_methods()]
    return [(str(kind.label or kind.name), _reason(kind)) for kind in kinds if not (kind.optional and _emails(kind))]


def _reason(kind: Kind) -> str:
    locked = sorted(_email_methods() & locked_methods(kind))
    return lock_of(kind, locked[0] if locked else "")


def undo_token(subscription: Subscription, rows: Collection[str]) -> str:
    """Return a token that switches the emails of these rows on again."""
    return signing.dumps([str(subscription.person_pk), list(rows)], salt=UNDO_SALT)


def undo(subscription: Subscription, token: str) -> None:
    """Switch on what the same person switched off. Raise `CannotUndo`."""
    try:
        person, names = signing.loads(token, salt=UNDO_SALT, max_age=UNDO_AGE)
    except (signing.BadSignature, TypeError, ValueError):
        raise CannotUndo from None
    if person != str(subscription.person_pk):
        raise CannotUndo
    preferences.change(subscription.person_pk, lambda choices: _undone(choices, names), Source.LINK)


def _undone(choices: Choices, names: Collection[str]) -> Changes:
    draft, emails = Draft(choices), _email_methods()
    if EVERY_KIND in names:
        draft.off -= emails
    draft.switch([kind for kind in all_kinds() if kind.name in names], dict.fromkeys(emails, True))
    return draft.changes()


def _changes(choices: Choices, subscription: Subscription) -> Changes:
    draft = Draft(choices)
    switches = dict.fromkeys(_email_methods(), False)
    if subscription.kinds:
        draft.switch(_kinds_of(subscription), switches)
    else:
        for method in switches:
            draft.switch_everything(method, on=False)
    return draft.changes()


def _had(methods: frozenset[str]) -> bool:
    return bool(methods & _email_methods())


def _kinds_of(subscription: Subscription) -> list[Kind]:
    return [kind for kind in all_kinds() if kind.optional and kind.name in (subscription.kinds or [kind.name])]


def _is_known(name: str) -> bool:
    return any(kind.name == name for kind in all_kinds())


def _emails(kind: Kind) -> frozenset[str]:
    """Return the delivery methods by email that a person may switch off for a kind."""
    return _email_methods() - locked_methods(kind)


def _email_methods() -> frozenset[str]:
    return frozenset(name for name in transport_names() if isinstance(get_transport(name), Email))
