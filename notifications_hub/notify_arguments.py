"""The arguments of `notify.send()`, validated and converted to the columns of a notification.

The exceptions (`UnknownKind` is defined in `kinds`, beside the kinds):

    NotifyError (ValueError)
    ├── BadRecipient    not a saved person, or not a collection of people
    └── BadArgument     an actor, target, level, verb, link or column of a host that cannot be stored
        └── NotAnInstance (TypeError)   an actor or target that is a class, or not a model
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone, translation

from notifications_hub.actions.keys import key_of_new
from notifications_hub.conf import hub_settings
from notifications_hub.extension import NotificationExtension
from notifications_hub.extension_values import BadValue, extension_from, scope_from
from notifications_hub.following.followed import Followed, declaration_of, is_unsaved
from notifications_hub.following.follows import checked
from notifications_hub.grouping.keys import group_key_of_new, storm_key
from notifications_hub.kinds import DeliveryMethod, Kind, get_kind
from notifications_hub.notification import Notification
from notifications_hub.streams.models import as_json
from notifications_hub.system_actors import MAX_NAME, SystemActor
from notifications_hub.web.site_paths import own_path
from notifications_hub.web.text import is_blank

MAX_KEY = 200
_CONCRETE = "_for_concrete_model"
_OBJECTS = ("actor", "target", "action_object")
ARGUMENTS = frozenset(
    {"sender", "signal", "recipient", "verb", "level", "description", "public", "timestamp", "kind", "url"}
    | {
        "dedupe_key",
        "group_key",
        "must_acknowledge",
        "data",
        "reason",
        *_OBJECTS,
        *(f"{name}{_CONCRETE}" for name in _OBJECTS),
    }
)
"""The keywords that `notify.send()` takes itself. A host's column cannot have their names."""


class NotifyError(ValueError):
    """The base of the errors that `notify.send` raises."""


class BadRecipient(NotifyError):
    """Raised when a recipient is not a saved person, nor a group or collection of people."""


class BadArgument(NotifyError):
    """Raised when an actor, target, level, verb, link or column of a host cannot be stored."""


class NotAnInstance(BadArgument, TypeError):
    """Raised for an actor or target that is not a model instance. Also a `TypeError`, as in the package's receiver."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A notification without its recipient."""

    kind: Kind
    columns: dict[str, Any]
    dedupe_key: str | None
    extension: NotificationExtension | None = None
    reasons: Mapping[Any, str] = field(default_factory=dict)
    """The reason of each person, by primary key, if theirs differ."""
    in_storm: Collection[Any] = ()
    """The people, by primary key, who got too many of the kind lately."""
    actor: object = None
    avatar: str = ""
    """The address of the actor's picture, once words are rendered."""

    @property
    def has_reason(self) -> bool:
        return bool(self.reasons) or "reason" in self.columns

    def reason_of(self, person: Any) -> str | None:
        return self.reasons.get(person.pk) or self.columns.get("reason")

    @property
    def has_group(self) -> bool:
        return bool(self.in_storm) or "group_key" in self.columns

    def group_key_of(self, person: Any) -> str | None:
        if person.pk in self.in_storm:
            return storm_key(self.kind, self.columns["scope"])
        return self.columns.get("group_key")

    def for_followers(self, followed: Followed, reasons: Mapping[Any, str]) -> Draft:
        """Return the draft for people who follow a thing, each for their own reason."""
        return replace(self, columns={**self.columns, "followed": str(followed)}, reasons=reasons)

    def row(self, person: Any, methods: frozenset[str]) -> Notification:
        return Notification(
            recipient=person,
            dedupe_key=self.dedupe_key,
            toast=DeliveryMethod.LIVE in methods,
            flash=DeliveryMethod.FLASH in methods,
            **{**self.columns, **self._own_columns(person)},
        )

    def _own_columns(self, person: Any) -> dict[str, Any]:
        own = {"reason": self.reason_of(person)} if self.reasons else {}
        return own | ({"group_key": self.group_key_of(person)} if self.in_storm else {})


def draft_of(verb: object, actor: object, given: dict[str, Any]) -> Draft:
    """Take the arguments out of `given`; the rest becomes data. Raise `BadArgument` or `UnknownKind`."""
    kind = get_kind(given.pop("kind", "default"))
    link = str(given.pop("url", None) or "")
    url = _path(link)
    columns: dict[str, Any] = {
        "kind": kind.name,
        "verb": _text("verb", _given("verb", verb), MAX_NAME),
        "level": _level(given.pop("level", "info")),
        "url": url,
        "description": _description(given.pop("description", None)),
        "public": bool(given.pop("public", True)),
        "timestamp": _timestamp(given.pop("timestamp", None)),
    }
    objects = {"actor": actor, "target": given.pop("target", None), "action_object": given.pop("action_object", None)}
    for name, value in objects.items():
        concrete = bool(given.pop(name + _CONCRETE, True))
        if isinstance(value, models.Model) or (value is not None and name != "actor"):
            columns |= _generic(name, value, concrete=concrete)
        columns[f"{name}_name"] = "" if value is None else _name(name, value)
    columns |= _reason(given.pop("reason", None), objects["target"])
    if not isinstance(actor, models.Model):
        columns |= _without_row(actor_of(actor))
    dedupe_key = given.pop("dedupe_key", None)
    if dedupe_key is not None:
        dedupe_key = _text("dedupe_key", dedupe_key, MAX_KEY)
    group_key = given.pop("group_key", None)
    if group_key is not None:
        group_key = _text("group_key", group_key, MAX_KEY)
    columns["must_acknowledge"] = _must_acknowledge(given.pop("must_acknowledge", None), kind)
    extension, columns["scope"] = _extension(given, kind)
    # The package has no column for a link: its templates read it from the data.
    columns["data"] = _data(given.pop("data", None), {**given, "url": url or link} if link else given) or None
    columns["action_key"] = key_of_new(kind, columns)
    if (full_key := group_key_of_new(kind, group_key, columns)) is not None:
        columns["group_key"] = full_key
    return Draft(kind=kind, columns=columns, dedupe_key=dedupe_key, extension=extension, actor=actor)


def _extension(given: dict[str, Any], kind: Kind) -> tuple[NotificationExtension | None, str | None]:
    """Take the host's columns out of `given`. Return their row, and the notification's scope."""
    try:
        row = extension_from(given, kind)
        return row, scope_from(row)
    except BadValue as error:
        raise BadArgument(f"notify.send(): {error}.") from None


def _reason(code: object, target: object) -> dict[str, Any]:
    """Return the reason that all recipients share, and the target as the thing that they may unfollow."""
    if code is None:
        return {}
    try:
        columns = {"reason": checked(str(code))}
    except ValueError as error:
        raise BadArgument(f"notify.send(): {error}") from None
    if isinstance(target, models.Model) and declaration_of(type(target)) is not None:
        columns["followed"] = str(Followed.of(target))
    return columns


def _generic(name: str, value: object, *, concrete: bool) -> dict[str, Any]:
    instance = saved("sender" if name == "actor" else name, value)
    content_type = ContentType.objects.get_for_model(instance, for_concrete_model=concrete)
    return {f"{name}_content_type": content_type, f"{name}_object_id": str(instance.pk)}


def actor_of(sender: object) -> models.Model | SystemActor | None:
    """Return the sender if it can be an actor. Raise `BadArgument` otherwise. None is the site itself."""
    return sender if sender is None or isinstance(sender, SystemActor) else saved("sender", sender)


def _without_row(actor: object) -> dict[str, Any]:
    """Return the columns of an actor that is no row: its name takes the place of a primary key."""
    key = actor.name if isinstance(actor, SystemActor) else ""
    return {"actor_content_type_id": None, "actor_object_id": key}


def saved(name: str, value: object) -> models.Model:
    """Return the value if a notification can refer to it. Raise `BadArgument` otherwise."""
    if not isinstance(value, models.Model):
        others = ", a SystemActor, or None for the site itself" if name == "sender" else ""
        hint = f" Write SystemActor({value!r})." if name == "sender" and isinstance(value, str) else ""
        raise NotAnInstance(f"notify.send(): the {name} must be a saved model instance{others}, not {value!r}.{hint}")
    if is_unsaved(value):
        raise BadArgument(f"notify.send(): the {name} {value!r} is not saved yet; save it first.")
    if len(str(value.pk)) > MAX_NAME:
        found = f"the {name} has a primary key of {len(str(value.pk))} characters"
        raise BadArgument(f"notify.send(): {found}, but at most {MAX_NAME} can be stored; pass it as data.")
    return value


def _name(of: str, value: object) -> str:
    # In the site's language: the label of a system actor may depend on whoever triggers the call.
    with translation.override(settings.LANGUAGE_CODE) if isinstance(value, SystemActor) else nullcontext():
        return _storable(f"{of}'s name", str(value))[:MAX_NAME]


def _given(name: str, value: object) -> object:
    if value is None:
        raise BadArgument(f'notify.send(): give a {name}, like {name}="replied".')
    return value


def _text(name: str, value: object, longest: int) -> str:
    text = _storable(name, str(value))
    if len(text) > longest:
        raise BadArgument(f"notify.send(): the {name} must have 1 to {longest} characters, not {len(text)}.")
    if is_blank(text):
        raise BadArgument(f"notify.send(): the {name} must have at least one visible character.")
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
        levels = ", ".join(Notification.LEVELS.values)
        raise BadArgument(f"notify.send(): the level must be one of {levels}, not {level!r}.")
    return str(level)


def _path(link: str) -> str:
    try:
        return _storable("url", own_path(link, hub_settings.site_url))
    except NotifyError:
        raise
    except ValueError as error:
        raise BadArgument(f"notify.send(): {error}") from None


def _must_acknowledge(value: object, kind: Kind) -> bool:
    if value is None:
        return kind.must_acknowledge
    if not isinstance(value, bool):
        raise BadArgument(f"notify.send(): must_acknowledge must be True or False, not {value!r}.")
    return value


def _timestamp(moment: object) -> datetime:
    if moment is None:
        return datetime.now(UTC)
    if not isinstance(moment, datetime):
        raise BadArgument(f"notify.send(): the timestamp must be a datetime, not {moment!r}.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _data(data: object, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data as it will be read back, so that a kind renders the same text now and later."""
    if not isinstance(data, Mapping | None):
        raise BadArgument(f"notify.send(): the data must be a dict, not {data!r}.")
    kept: dict[str, Any] = {}
    for key, value in {**(data or {}), **extra}.items():
        try:
            # Wrapped to be nested as deeply as in the event for pages, since JSON depth is limited.
            kept |= json.loads(as_json({"data": {key: value}}))["data"]
        except (TypeError, ValueError) as error:
            raise BadArgument(f"notify.send(): the data {key!r} cannot be stored as JSON: {error}.") from None
    return kept
