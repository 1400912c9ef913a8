"""Transports: the code of the delivery methods that are sent to an address by the worker.

`NOTIFICATIONS_HUB["TRANSPORTS"]` maps a delivery method to the dotted path of its transport. Each process has one
instance, since a transport may hold connections; `close_transports` closes them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeGuard

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from notifications_hub.conf import hub_settings
from notifications_hub.kinds import Kind, label_transports_by
from notifications_hub.transports.base import (
    AddressTable,
    Closes,
    FindsMany,
    KeepsTable,
    Learns,
    Loads,
    PutOff,
    Send,
    TooLong,
    Transport,
    TransportError,
)
from notifications_hub.transports.declaration import Declaration, declaration_in, in_words

__all__ = [
    "AddressTable",
    "Closes",
    "Declaration",
    "FindsMany",
    "KeepsTable",
    "Learns",
    "Loads",
    "PutOff",
    "Send",
    "TooLong",
    "Transport",
    "TransportError",
    "addresses_of",
    "close_transports",
    "declaration_of",
    "default_methods",
    "delay_of",
    "get_transport",
    "keeps_table",
    "locked_methods",
    "transport_label",
    "transport_names",
]


log = logging.getLogger(__name__)


def transport_names() -> list[str]:
    return list(hub_settings.transports)


def get_transport(name: str) -> Transport:
    """Return the transport. Raise `ImproperlyConfigured`, with the known names, if there is none."""
    path = hub_settings.transports.get(name)
    if path is None:
        known = ", ".join(transport_names()) or "none"
        raise ImproperlyConfigured(f"NOTIFICATIONS_HUB['TRANSPORTS'] names no transport {name!r} (known: {known}).")
    return _made(path)


def declaration_of(name: str) -> Declaration:
    """Return what a configured transport declares. One that cannot be created declares nothing."""
    try:
        return _declared(name, hub_settings.transports.get(name, ""))
    except Exception:
        # A host's transport that cannot be made must not break the pages that list it.
        log.exception("The transport %r cannot be created", name)
        return Declaration(name=name)


def transport_label(name: str) -> str:
    """Return the name of a transport for people: its `label`, or else its name in words."""
    return declaration_of(name).words if name in hub_settings.transports else in_words(name)


label_transports_by(transport_label)


def default_methods(kind: Kind) -> frozenset[str]:
    """Return the delivery methods of a kind for a person who has not chosen any."""
    given: frozenset[str] | None = hub_settings.kind_defaults.get(kind.name)
    if given is not None:
        return given
    joining = _marked().on_by_default
    if not joining or kind.declares_methods or not kind.optional:
        return frozenset(kind.methods)
    return joining.union(kind.methods)


def locked_methods(kind: Kind) -> frozenset[str]:
    """Return those of the kind's default methods that no person may switch off: all of a kind without a choice."""
    if not kind.optional:
        return default_methods(kind)
    locked = _marked().locked
    return locked and locked.intersection(default_methods(kind))


def delay_of(name: str, kind: Kind) -> float:
    """Return the seconds from the event until a transport sends it, unless another method delivers it first."""
    delay = kind.delays.get(name)
    if delay is None:
        delay = declaration_of(name).delay
    return hub_settings.ack_window if delay is None else delay


@dataclass(frozen=True, slots=True)
class _Marked:
    """The names of the configured transports that declare something special."""

    on_by_default: frozenset[str]
    locked: frozenset[str]


def _marked() -> _Marked:
    try:
        return _all_marked()
    except Exception:  # noqa: BLE001 -- `declaration_of` logs it
        return _marked_in(declaration_of(name) for name in transport_names())


@cache
def _all_marked() -> _Marked:
    """Return them for the present setting. Raise if a transport cannot be created, and look again next time."""
    return _marked_in(_declared(name, path) for name, path in hub_settings.transports.items())


def _marked_in(declarations: Iterable[Declaration]) -> _Marked:
    listed = list(declarations)
    return _Marked(
        on_by_default=frozenset(one.name for one in listed if one.on_by_default),
        locked=frozenset(one.name for one in listed if not one.optional),
    )


def addresses_of(transport: Transport, people: Iterable[AbstractBaseUser]) -> dict[Any, list[str]]:
    """Map primary keys of people to their addresses, in one query if possible. Leave out people without any.

    Raise `TypeError` for an address that is not a text, and `ValueError` for one that no database stores.
    """
    listed = list(people)
    if isinstance(transport, FindsMany):
        found = transport.addresses_of([person.pk for person in listed])
    else:
        found = {person.pk: transport.addresses(person) for person in listed}
    # A transport may answer with more people than it was asked for.
    lists = {person.pk: [_checked(one) for one in found.get(person.pk, ())] for person in listed}
    return {pk: addresses for pk, addresses in lists.items() if addresses}


def _checked(address: object) -> str:
    if not isinstance(address, str):
        raise TypeError(f"An address is a text, not {address!r}.")
    if "\0" in address:
        raise ValueError(f"{address!r} holds a NUL character.")
    return address


def keeps_table(transport: Transport) -> TypeGuard[KeepsTable]:
    """Return whether the transport's addresses are those of its table. A subclass may find others."""
    kind: Any = type(transport)
    return isinstance(transport, KeepsTable) and _finds_by_table(kind)


@cache
def _finds_by_table(kind: Any) -> bool:
    finds = ("addresses", "addresses_of", "address_table")
    own = next(vars(one) for one in kind.__mro__ if any(name in vars(one) for name in finds))
    return "address_table" in own


async def close_transports() -> None:
    """Close the connections of transports. Call it in each event loop that has sent something, before it ends."""
    for path in hub_settings.transports.values():
        transport = _made(path)
        if isinstance(transport, Closes):
            await transport.close()


@cache
def _declared(name: str, path: str) -> Declaration:
    """Return the declaration. It is kept, because every `notify.send` reads it."""
    return declaration_in(name, _made(path))


@cache
def _made(path: str) -> Transport:
    transport: Transport = import_string(path)()
    return transport


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "NOTIFICATIONS_HUB":
        _made.cache_clear()
        _declared.cache_clear()
        _all_marked.cache_clear()


setting_changed.connect(_forget)
