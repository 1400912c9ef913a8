"""Actors of notifications that are no rows: the site itself, and parts of it with a name, such as billing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from notifications_hub.web.text import is_blank, is_storable

MAX_NAME = 255

_translated: dict[str, SystemActor] = {}
"""Declared actors whose label depends on the reader's language, by name."""


@dataclass(frozen=True, slots=True)
class SystemActor:
    """An actor with a name and no row: `notify.send(SystemActor("Billing"), recipient=person, verb="charged you")`.

    The `name` tells actors apart, for `Kind.per_minute` too. People read the `label`, which is the name by default.
    Declare one with a lazily translated label in a `notifications.py`: each reader then sees their own language.
    """

    name: str
    label: str | Promise = field(default="", compare=False)

    def __post_init__(self) -> None:
        given: tuple[tuple[object, Any], ...] = ((self.name, str), (self.label, str | Promise))
        if not all(isinstance(value, kind) for value, kind in given):
            raise TypeError("SystemActor: the name must be a str, and the label text that may be lazily translated.")
        if not is_storable(self.name) or is_blank(self.name) or len(self.name) > MAX_NAME:
            raise ValueError(f"SystemActor: the name must have 1 to {MAX_NAME} characters, some of them visible.")
        # Only these are kept, so names that are made up at each call do not fill the memory.
        if isinstance(self.label, Promise):
            _translated[self.name] = self

    def __str__(self) -> str:
        return str(self.label) or self.name


def actor_label(row: Any) -> str:
    """Return the actor's name of a notification in the active language."""
    # A row that a kind's test or sample made up may have no more columns than kinds read.
    known = _translated.get(getattr(row, "actor_object_id", ""))
    return str(known) if known and row.actor_content_type_id is None else str(row.actor_name)


def declared_actor(name: str) -> SystemActor | None:
    """Return the actor that the site has declared by this name with a translated label, if any."""
    return _translated.get(name)


def system_actor(name: str, label: str) -> SystemActor:
    """Return the actor of a stored name. One that is declared no more keeps the label it had."""
    return _translated.get(name) or SystemActor(name, label)
