"""System checks of delivery methods: the setting `TRANSPORTS`, and what kinds declare about delivery."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from notifications_hub import conf
from notifications_hub.kinds import DeliveryMethod, Digest, Kind, all_kinds
from notifications_hub.transports.declaration import faults_in

_EXTRAS = {"apprise": "apprise", "standardwebhooks": "webhook"}
"""Packages of transports that are extras, with the names of the extras."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")


def check_methods(transports: Mapping[Any, Any], kind_defaults: Mapping[str, frozenset[str]]) -> Iterator[CheckMessage]:
    """Check the transports in use, and the delivery methods of all kinds."""
    yield from _removals()
    for name, path in transports.items():
        if isinstance(name, str) and _NAME.fullmatch(name) and name not in (DeliveryMethod.LIVE, DeliveryMethod.FLASH):
            yield from _transport(name, path)
        else:
            hint = "Use up to 20 lowercase letters, digits and underscores, but not 'live' or 'flash'."
            yield Error(f"{name!r} is not a valid name for a transport.", hint=hint, id="notifications_hub.E016")
    yield from _kinds(transports)
    yield from _kind_defaults(kind_defaults, transports)


def _removals() -> Iterator[CheckMessage]:
    given = getattr(settings, conf.SETTING, {}).get("TRANSPORTS", {})
    for name in (name for name, path in given.items() if path is None and name not in conf.DEFAULT_TRANSPORTS):
        yield Error(
            f"TRANSPORTS[{name!r}] is None, which removes a transport that is there by default, but there is no such.",
            hint=f"Write the dotted path of its class, or remove one of {', '.join(conf.DEFAULT_TRANSPORTS)}.",
            id="notifications_hub.E016",
        )


def _transport(name: str, path: Any) -> Iterator[CheckMessage]:
    try:
        found = import_string(path)
    except (ImportError, AttributeError) as error:
        hint = _extra_hint(error) or "Write the dotted path of its class."
        yield Error(f"Cannot import the transport {name!r}: {error}", hint=hint, id="notifications_hub.E016")
        return
    for fault, remedy in faults_in(found):
        yield Error(f"The transport {name!r} ({path}): {fault}.", hint=remedy, id="notifications_hub.E018")
    if getattr(found, "name", name) != name:
        yield checks.Warning(
            f"The transport {name!r} calls itself {found.name!r}. Its name in TRANSPORTS wins.",
            hint=f"Write name = {name!r} in {path}, or leave it out.",
            id="notifications_hub.W002",
        )


def _extra_hint(error: Exception) -> str:
    extra = _EXTRAS.get(getattr(error, "name", None) or "")
    return f"Install it: pip install 'notifications-hub[{extra}]'" if extra else ""


def _kinds(transports: Iterable[str]) -> Iterator[CheckMessage]:
    for kind in all_kinds():
        yield from _methods(kind, _known(transports))
        yield from _digest(kind)
        yield from _must_acknowledge(kind)
        if kind.optional and kind.locked_because:
            fault = f"The kind {kind.name!r} says why people cannot switch it off, but they can."
            hint = "Write optional = False, or remove locked_because."
            yield checks.Warning(fault, hint=hint, obj=type(kind), id="notifications_hub.W063")


def _known(transports: Iterable[str]) -> set[str]:
    return {*map(str, DeliveryMethod), *map(str, transports)}


def _kind_defaults(given: Mapping[str, frozenset[str]], transports: Iterable[str]) -> Iterator[CheckMessage]:
    """Check the setting `KIND_DEFAULTS`."""
    names, known = [kind.name for kind in all_kinds()], _known(transports)
    for name, methods in given.items():
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known kinds: {', '.join(names)}."
            yield Error(f"KIND_DEFAULTS names an unknown kind: {name!r}.", hint=hint, id="notifications_hub.E068")
        for method in sorted(methods - known):
            hint = f"Add it to {conf.SETTING}['TRANSPORTS'], or use one of {', '.join(sorted(known))}."
            fault = f"KIND_DEFAULTS[{name!r}] names an unknown delivery method: {method!r}."
            yield Error(fault, hint=hint, id="notifications_hub.E069")


def _must_acknowledge(kind: Kind) -> Iterator[CheckMessage]:
    value: object = kind.must_acknowledge
    if not isinstance(value, bool):
        fault = f"The kind {kind.name!r} has must_acknowledge = {value!r}."
        yield Error(fault, hint="Write True or False.", obj=type(kind), id="notifications_hub.E070")


def _methods(kind: Kind, known: Collection[str]) -> Iterator[CheckMessage]:
    methods: object = kind.methods
    if not isinstance(methods, Set):
        fault = f"The delivery methods of the kind {kind.name!r} must be a set of names, not {methods!r}."
        hint = "Write methods = frozenset({DeliveryMethod.LIVE, ...})."
        yield Error(fault, hint=hint, obj=type(kind), id="notifications_hub.E017")
        return
    for method in sorted({str(method) for method in methods}.difference(known)):
        hint = f"Add it to {conf.SETTING}['TRANSPORTS'], or use one of {', '.join(sorted(known))}."
        fault = f"The kind {kind.name!r} names an unknown delivery method: {method!r}."
        yield Error(fault, hint=hint, obj=type(kind), id="notifications_hub.E017")


def _digest(kind: Kind) -> Iterator[CheckMessage]:
    # Not a set: a list cannot be looked up in one.
    if kind.digest not in tuple(Digest):
        fault = f"The kind {kind.name!r} has digest = {kind.digest!r}."
        hint = f"Write one of {', '.join(f'Digest.{one.name}' for one in Digest)}."
        yield Error(fault, hint=hint, obj=type(kind), id="notifications_hub.E065")
