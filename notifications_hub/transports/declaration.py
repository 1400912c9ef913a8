"""The declaration of a transport: the attributes of its class, with a default for each that it leaves out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.utils.functional import Promise
from django.utils.text import capfirst

from notifications_hub.kinds import built_in_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """The attributes that a transport's class may set. The name in the setting `TRANSPORTS` wins over `name`."""

    name: str
    label: str | Promise = ""
    """The name that people read. Default: the name in words."""
    on_by_default: bool = False
    """Add it to the default methods of every optional kind that does not declare its own `methods`."""
    optional: bool = True
    """Let people switch it off where it is among a kind's default methods."""
    locked_because: str | Promise = ""
    """A sentence that tells people why they cannot switch it off, for a transport that is not `optional`."""
    confirms: bool = False
    """Count a notification as delivered when its receiver reports it, not when `send` returns."""
    interrupts: bool = True
    """Hold its messages back in a person's quiet hours, and sum up those that waited."""
    digests: bool = False
    """Wait for the digests that people chose: `send` also gets messages with `sections`."""
    retracts: bool = False
    """Take back what it sent: `send` also gets messages with `retracts`."""
    delay: float | None = None
    """Seconds from the event until it sends, unless another method delivers it first. None: `ACK_WINDOW`."""

    @property
    def words(self) -> str:
        """Return the label in the active language."""
        return str(self.label) or in_words(self.name)


def in_words(name: str) -> str:
    """Return a delivery method's name for people, for one that has no label."""
    return capfirst(built_in_name(name) or name.replace("_", " "))


def declaration_in(name: str, transport: object) -> Declaration:
    """Return the declaration of a transport, or of its class. `name` is its key in the setting `TRANSPORTS`."""
    given = {field.name: getattr(transport, field.name) for field in _FIELDS if hasattr(transport, field.name)}
    return Declaration(**{**given, "name": name})


_FIELDS = [field for field in fields(Declaration) if field.name != "name"]
_WANTED = {bool: "True or False", int: "a number of seconds"}
_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "label": (str, Promise),
    "on_by_default": (bool,),
    "optional": (bool,),
    "locked_because": (str, Promise),
    "confirms": (bool,),
    "interrupts": (bool,),
    "digests": (bool,),
    "retracts": (bool,),
    "delay": (int, float),
}


def faults_in(transport: object) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a transport's class, each fault with its remedy."""
    if not inspect.isclass(transport):
        yield "it is not a class", "Write the dotted path of its class."
        return
    yield from _faults_in_method(transport, "addresses", "def addresses(self, person)")
    yield from _faults_in_method(transport, "send", "async def send(self, message, address)", "address")
    send = getattr(transport, "send", None)
    if callable(send) and not iscoroutinefunction(send):
        yield "its method `send` is not async", "Write `async def send(self, message, address)`."
    for name, types in _TYPES.items():
        value = inspect.getattr_static(transport, name, None)
        if value is not None and not isinstance(value, (*types, property, cached_property)):
            yield f"its `{name}` is {value!r}", f"Write {_WANTED.get(types[0], 'a text')}."


def _faults_in_method(kind: type, name: str, wanted: str, *named: str) -> Iterator[tuple[str, str]]:
    """Yield a fault if the method cannot be called with one argument by position and the others by name."""
    method: Any = getattr(kind, name, None)
    if not callable(method):
        yield f"it has no method `{name}`", f"Write `{wanted}`."
        return
    takes_self = not isinstance(inspect.getattr_static(kind, name), (staticmethod, classmethod))
    try:
        inspect.signature(method).bind(*[None] * (1 + takes_self), **dict.fromkeys(named))
    except TypeError:
        yield f"its method `{name}` takes other arguments", f"Write `{wanted}`."
