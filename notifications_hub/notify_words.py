"""The words of a new notification, rendered once for all recipients who share a language, a time zone and a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, cast

from django.utils import timezone, translation

from notifications_hub.actions.results import with_result
from notifications_hub.avatars import avatar_of
from notifications_hub.extension import extension_model, payload_of
from notifications_hub.grouping.words import in_group
from notifications_hub.kinds import Kind, NotificationLike
from notifications_hub.message import Item, language_of, time_zone_of
from notifications_hub.notification import because, message_of
from notifications_hub.notify_arguments import Draft
from notifications_hub.streams import encode_data
from notifications_hub.system_actors import actor_label

_LONGEST_ID = "9" * 19
_Reader = tuple[str, tzinfo, str | None, str | None]
"""The language, time zone, reason and group of a person: those of all whose words are the same."""


class PersonalWords(Exception):
    """Raised when a kind reads more of a row than all recipients share, such as the recipient."""


@dataclass(frozen=True, slots=True)
class Words:
    """The item of a new notification as JSON, without its id. An empty `tag` means that each row has its own."""

    item: str
    tag: str
    reason: str | None = None
    group_key: str | None = None


@dataclass(frozen=True, slots=True)
class SharedWords:
    """The different words of a notification, and for each person the index of theirs."""

    all: list[Words]
    of_person: list[int]


class _SharedRow:
    """A new notification as kinds read it: the columns that all recipients share. It notes reads of any other."""

    def __init__(self, draft: Draft, person: Any, others: list[str]) -> None:
        self.__dict__.update(draft.columns | {"data": draft.columns["data"] or {}})
        actor_type = draft.columns.get("actor_content_type")
        self.__dict__["actor_content_type_id"] = None if actor_type is None else actor_type.pk
        if (model := extension_model()) is not None:
            self.__dict__["extension"] = draft.extension or model()
        self.__dict__.update(_draft=draft, _person=person, _others=others)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._others.append(name)
        return getattr(self._draft.row(self._person, frozenset()), name)


def words_of(draft: Draft, people: Sequence[Any]) -> SharedWords:
    """Render the words for each language, time zone, reason and group. Raise `PersonalWords`, or `EventTooLarge`."""
    draft = replace(draft, avatar=avatar_of(draft.actor))
    indexes: dict[_Reader, int] = {}
    readers: list[Any] = []
    of_person: list[int] = []
    reason, group_key = draft.columns.get("reason"), draft.columns.get("group_key")
    for person in people:
        reason = draft.reason_of(person) if draft.reasons else reason
        group_key = draft.group_key_of(person) if draft.in_storm else group_key
        reader = (language_of(person), time_zone_of(person), reason, group_key)
        index = indexes.setdefault(reader, len(indexes))
        of_person.append(index)
        if index == len(readers):
            readers.append(person)
    rendered = [_words_in(draft, alike, reader) for alike, reader in zip(indexes, readers, strict=True)]
    return SharedWords(rendered, of_person)


def _words_in(draft: Draft, alike: _Reader, person: Any) -> Words:
    language, zone, reason, group_key = alike
    others: list[str] = []
    row = cast("NotificationLike", _SharedRow(draft, person, others))
    with translation.override(language), timezone.override(zone):
        message = message_of(draft.kind.name, row, item_id=_LONGEST_ID, tag="")
        message = in_group(because(message, reason, draft.columns.get("followed")), group_key)
        if draft.columns["action_key"] and type(draft.kind).action_key is not Kind.action_key:
            # The thing may have been decided before.
            message = with_result(message, row)
        actor = actor_label(row)
    if others:
        raise PersonalWords(draft.kind.name, others)
    columns = draft.columns
    if columns["must_acknowledge"]:
        message = replace(message, must_acknowledge=True)
    if draft.avatar:
        message = replace(message, avatar=draft.avatar)
    item = Item(
        message=message,
        at=columns["timestamp"],
        actor=actor,
        target=columns["target_name"],
        data=columns["data"] or {},
        extension=payload_of(row.extension) if extension_model() else None,
        scope=columns["scope"],
        group=None if group_key is None else {"key": group_key},
    )
    return Words(encode_data(item.as_json()), message.tag, reason, group_key)
