"""What `notify.send()` is given: checked, and put into the columns of a notification.

NotifyError (ValueError)
├── BadRecipient    not a saved person, or not something that holds people
├── BadArgument     an actor, target, level, verb or link that cannot be stored
│   └── NotAnInstance (TypeError)   an actor or target that is a class, or no model at all
└── kinds.UnknownKind has its own place: beside the kinds
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from notifications_hub.kinds import DeliveryMethod, Kind, get_kind
from notifications_hub.notification import Notification
from notifications_hub.streams.models import as_json
from notifications_hub.web.site_paths import same_site_path
from notifications_hub.web.text import is_blank

MAX_NAME = 255
MAX_KEY = 200
_CONCRETE = "_for_concrete_model"


class NotifyError(ValueError):
    """The base of the errors that `notify.send` raises."""


class BadRecipient(NotifyError):
    """A recipient is not a saved person, nor a group or queryset of people."""


class BadArgument(NotifyError):
    """An actor, target, level, verb or link cannot be stored."""


class NotAnInstance(BadArgument, TypeError):
    """A `TypeError` too, which is what the package's own receiver raises."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Everything about a notification but its person."""

    kind: Kind
    columns: dict[str, Any]
    dedupe_key: str | None

    def row(self, person: Any, methods: frozenset[str]) -> Notification:
        return Notification(
            recipient=person,
            dedupe_key=self.dedupe_key,
            toast=DeliveryMethod.LIVE in methods,
            flash=DeliveryMethod.FLASH in methods,
            **self.columns,
        )


def draft_of(verb: object, actor: object, given: dict[str, Any]) -> Draft:
    """Take the arguments out of `given`; what is left becomes data. Raises `BadArgument` and `UnknownKind`."""
    kind = get_kind(given.pop("kind", "default"))
    url = _path(given.pop("url", None))
    columns: dict[str, Any] = {
        "kind": kind.name,
        "verb": _text("verb", verb, MAX_NAME),
        "level": _level(given.pop("level", "info")),
        "url": url,
        "description": _description(given.pop("description", None)),
        "public": bool(given.pop("public", True)),
        "timestamp": _timestamp(given.pop("timestamp", None)),
    }
    objects = {"actor": actor, "target": given.pop("target", None), "action_object": given.pop("action_object", None)}
    for name, value in objects.items():
        concrete = bool(given.pop(name + _CONCRETE, True))
        if value is not None or name == "actor":
            columns |= _generic(name, value, concrete=concrete)
    columns["actor_name"] = _name("actor", actor)
    columns["target_name"] = "" if objects["target"] is None else _name("target", objects["target"])
    dedupe_key = given.pop("dedupe_key", None)
    if dedupe_key is not None:
        dedupe_key = _text("dedupe_key", dedupe_key, MAX_KEY)
    # The package has no column for a link and keeps it as data, where its templates look.
    columns["data"] = _data(given.pop("data", None), {**given, "url": url} if url else given) or None
    return Draft(kind=kind, columns=columns, dedupe_key=dedupe_key)


def _generic(name: str, value: object, *, concrete: bool) -> dict[str, Any]:
    instance = saved("sender" if name == "actor" else name, value)
    content_type = ContentType.objects.get_for_model(instance, for_concrete_model=concrete)
    return {f"{name}_content_type": content_type, f"{name}_object_id": str(instance.pk)}


def saved(name: str, value: object) -> models.Model:
    """Return an instance that a notification can point to. Raises `BadArgument`."""
    if not isinstance(value, models.Model):
        raise NotAnInstance(f"notify.send(): the {name} must be a saved model instance, not {value!r}.")
    if is_unsaved(value):
        raise BadArgument(f"notify.send(): the {name} {value!r} is not saved yet; save it first.")
    if len(str(value.pk)) > MAX_NAME:
        found = f"the {name} has a primary key of {len(str(value.pk))} characters"
        raise BadArgument(f"notify.send(): {found}, and {MAX_NAME} can be stored; pass it as data.")
    return value


def is_unsaved(instance: models.Model) -> bool:
    # A UUID is there before the row is.
    return instance.pk is None or instance._state.adding


def _name(of: str, value: object) -> str:
    return _storable(f"{of}'s name", str(value))[:MAX_NAME]


def _text(name: str, value: object, longest: int) -> str:
    text = _storable(name, str(value))
    if len(text) > longest:
        raise BadArgument(f"notify.send(): the {name} has 1 to {longest} characters, not {len(text)}.")
    if is_blank(text):
        raise BadArgument(f"notify.send(): the {name} has at least one character that can be seen.")
    return text


def _description(value: object) -> str | None:
    return None if value is None else _storable("description", str(value))


def _storable(name: str, text: str) -> str:
    try:
        as_json(text)
    except ValueError as error:
        raise BadArgument(f"notify.send(): the {name} cannot be stored: {error}.") from None
    return text


def _level(level: object) -> str:
    if level not in Notification.LEVELS.values:
        raise BadArgument(f"notify.send(): the level is one of {', '.join(Notification.LEVELS.values)}, not {level!r}.")
    return str(level)


def _path(url: object) -> str:
    try:
        return _storable("url", same_site_path(str(url or "")))
    except NotifyError:
        raise
    except ValueError as error:
        raise BadArgument(f"notify.send(): {error}") from None


def _timestamp(moment: object) -> datetime:
    if moment is None:
        return datetime.now(UTC)
    if not isinstance(moment, datetime):
        raise BadArgument(f"notify.send(): the timestamp is a datetime, not {moment!r}.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _data(data: object, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data as it will be read back, so that a kind renders the same words at once and later."""
    if not isinstance(data, Mapping | None):
        raise BadArgument(f"notify.send(): the data is a dict, not {data!r}.")
    kept: dict[str, Any] = {}
    for key, value in {**(data or {}), **extra}.items():
        try:
            # As deep inside as the event that tells pages has it.
            kept |= json.loads(as_json({"data": {key: value}}))["data"]
        except (TypeError, ValueError) as error:
            raise BadArgument(f"notify.send(): the data {key!r} cannot be kept as JSON: {error}.") from None
    return kept
