"""Changes of a person's own addresses. The forms and the routes of the API share them, with their limits."""

from __future__ import annotations

from django.http import Http404
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from notifications_hub.inbox import push_trial
from notifications_hub.notification import Notification
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.own_addresses.store import Added, add_address, find_own_address, renew_secret
from notifications_hub.users import Person
from notifications_hub.web.throttle import require_rate

RATE = "20/h"
"""New addresses and secrets of one person. Each new address may look up a name of theirs."""


class CannotRenew(Exception):
    """Raised if the stored address can no longer be read, because the site's key has changed."""


@sensitive_variables()
def add(person: Person, transport: str, address: str, name: str) -> Added:
    """Add an address. Raise `TooMany`, or `AddressRefused` with words for the person."""
    _count(person)
    return add_address(person, transport, address, name=name)


@sensitive_variables()
def renew(person: Person, pk: str) -> Added:
    """Give an address a new secret. Raise `TooMany`, `Http404` or `CannotRenew`."""
    _count(person)
    row = _own(person, pk)
    try:
        return Added(row, renew_secret(row))
    except ValueError:
        raise CannotRenew(_("The site's key has changed. Remove this address and add it again.")) from None


def remove(person: Person, pk: str) -> bool:
    """Remove an address. Return whether there was one; another person's is treated as already gone."""
    deleted, _rows = find_own_address(person, pk).delete()
    return bool(deleted)


def test(person: Person, pk: str) -> Notification:
    """Send a test to an address. Raise `TooMany` or `Http404`."""
    row = _own(person, pk)
    return push_trial.send(person, row.transport, str(row.pk))


def _count(person: Person) -> None:
    require_rate(f"own-addresses:{person.pk}", RATE)


def _own(person: Person, pk: str) -> OwnAddress:
    row = find_own_address(person, pk).first()
    if row is None:
        raise Http404
    return row
