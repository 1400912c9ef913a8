"""Add, find, renew and remove people's own addresses."""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from notifications_hub.database import transaction
from notifications_hub.transports import Transport, get_transport, transport_names
from notifications_hub.transports.own_addresses.models import OwnAddress, sealed_destination
from notifications_hub.transports.own_addresses.sealing import fingerprint
from notifications_hub.transports.own_addresses.transport import Accepted, AddressRefused, OwnAddressTransport
from notifications_hub.web.text import storable

PER_PERSON = 10
_SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Added:
    """A stored address. `secret` signs what is sent there; it is empty if the transport signs nothing."""

    row: OwnAddress
    secret: str


def own_address_transports() -> list[OwnAddressTransport]:
    """Return the transports of this site whose addresses people add for themselves."""
    return [one for one in _created_transports() if isinstance(one, OwnAddressTransport)]


@sensitive_variables()
def add_address(person: AbstractBaseUser, method: str, address: str, *, name: str = "") -> Added:
    """Store an address as the person's own. Raise `AddressRefused`, with words for the person."""
    transport = next((one for one in own_address_transports() if one.name == method), None)
    if transport is None:
        raise AddressRefused(_("This site doesn't send to such addresses."))
    accepted = transport.accept(address.strip())
    key = {"owner_id": person.pk, "transport": method, "fingerprint": fingerprint(accepted.address)}
    secret = _new_secret() if transport.signs else ""
    with transaction.atomic():
        # Hold the lock until the commit, so that each of several requests counts the ones before it.
        get_user_model()._base_manager.select_for_update(no_key=True).get(pk=person.pk)
        # Adding an address again is how its owner resumes it.
        OwnAddress.objects.filter(**key).exclude(stopped_at=None).delete()
        _check_room(person)
        row = _insert(key, accepted, storable(name.strip(), 60), secret)
    return Added(row, secret)


def find_own_address(person: AbstractBaseUser, pk: str) -> models.QuerySet[OwnAddress]:
    """Find this person's address by id. Another person's looks as if it did not exist."""
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return OwnAddress.objects.none()
    return OwnAddress.objects.filter(owner_id=person.pk, pk=int(pk))


@sensitive_variables()
def renew_secret(row: OwnAddress) -> str:
    """Store and return a new secret. For a day the one before it signs too, so that the receiver can change over."""
    with transaction.atomic():
        current = OwnAddress.objects.select_for_update().get(pk=row.pk)
        destination = current.destination()
        secret = _new_secret()
        current.sealed = sealed_destination(destination.address, [secret, *destination.secrets[:1]])
        current.rotated_at = timezone.now()
        current.save(update_fields=["sealed", "rotated_at"])
    return secret


def _created_transports() -> Iterator[Transport]:
    for name in transport_names():
        try:
            yield get_transport(name)
        except Exception:
            # A transport that cannot be created must not break the page that lists the others.
            log.exception("The transport %r cannot be created", name)


def _new_secret() -> str:
    """Return a random secret, as receivers' libraries take it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def _check_room(person: AbstractBaseUser) -> None:
    if OwnAddress.objects.filter(owner_id=person.pk).count() >= PER_PERSON:
        raise AddressRefused(_("You have %(number)d addresses already. Remove one first.") % {"number": PER_PERSON})


@sensitive_variables()
def _insert(key: Mapping[str, Any], accepted: Accepted, name: str, secret: str) -> OwnAddress:
    values = {
        "sealed": sealed_destination(accepted.address, [secret] if secret else []),
        "where": storable(accepted.where, 100),
        "name": name,
    }
    row, created = OwnAddress.objects.get_or_create(**key, defaults=values)
    if not created:
        raise AddressRefused(_("You have added this address already."))
    return row
