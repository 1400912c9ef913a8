"""The models of the event log: topics, their streams, and the events on them.

StreamError
├── BadTopic        the topic's name is invalid
└── EventTooLarge   the data is larger than a page should be sent
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import HubModel
from notifications_hub.streams.snapshots import CurrentXid
from notifications_hub.users import person_key

MAX_DATA = 64 * 1024
"""Bytes of JSON an event may carry."""
IDS_IN_AN_EVENT = 500
"""The most ids in one event, so that a page applies it in one step."""
TOMBSTONE = "tombstone"
"""The kind of an event whose data was erased. Clients ignore unknown kinds, so they only count it."""

MAX_DEPTH = 100
"""The most levels of nested lists and objects. SQLite reads a thousand levels, and other JSON readers fewer."""
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep: keep it flat"

_TOPIC = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)*", re.ASCII)
# The escape that JSON writes for NUL. After an odd number of backslashes it is a literal backslash in the text.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class StreamError(ValueError):
    """The base of the errors that `publish` raises."""


class BadTopic(StreamError):
    """Raised when the name of a topic is invalid, or belongs to the hub."""


class EventTooLarge(StreamError):
    """Raised when the data of an event is larger than 64 KiB of JSON."""


def new_epoch() -> str:
    return secrets.token_hex(4)


class Stream(HubModel):
    """The numbering state of a topic. Every number from `pruned_through + 1` to `top` exists."""

    topic = models.CharField(_("topic"), max_length=200, unique=True)
    epoch = models.CharField(_("epoch"), max_length=8, default=new_epoch)
    top = models.BigIntegerField(_("last number"), default=0)
    pruned_through = models.BigIntegerField(_("pruned through"), default=0)
    timeline = models.IntegerField(null=True, editable=False)
    """The PostgreSQL timeline of the last number. A standby that takes over, or a restore, begins another timeline."""

    class Meta(HubModel.Meta):
        verbose_name = _("stream")
        verbose_name_plural = _("streams")

    def __str__(self) -> str:
        return f"{self.topic} at {self.top}"


class Event(HubModel):
    """One entry of a topic's log. `seq` is empty until its transaction has committed.

    `item` names the object that the data describes. `erases` names items whose earlier events on the topic lose their
    data when this event gets its number. They become tombstones, or carry this event's data if it describes the same
    item.
    """

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=200)
    seq = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=100)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    created = models.DateTimeField()
    item = models.TextField(null=True)  # noqa: DJ001 -- most events have none, and the index skips NULL
    erases = models.JSONField(null=True)
    xid = models.BigIntegerField(null=True, editable=False, db_default=CurrentXid())
    """The PostgreSQL transaction that inserted the event, or, once it has a number, the one that numbered it."""

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["topic", "seq"], name="hub_event_topic_seq")]
        indexes = [
            models.Index(fields=["topic", "xid"], condition=models.Q(seq=None), name="hub_event_unnumbered"),
            models.Index(fields=["topic", "item"], condition=models.Q(item__isnull=False), name="hub_event_item"),
            models.Index(fields=["xid"], condition=models.Q(xid__isnull=False), name="hub_event_xid"),
        ]

    def __str__(self) -> str:
        return f"{self.topic}#{self.seq} {self.kind}"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append. Make `item` and `erases` with `item_key()`; see `Event`.

    `smaller` is the data to log instead if `data` is too large.
    """

    topic: str
    kind: str
    data: Mapping[str, Any]
    item: str | None = None
    erases: Sequence[str] = ()
    smaller: Mapping[str, Any] | None = None

    @property
    def encoded(self) -> str:
        """Return the data as JSON. Raise as `encode_data()` does."""
        try:
            return encode_data(self.data)
        except EventTooLarge:
            if self.smaller is None:
                raise
            return encode_data(self.smaller)


def item_key(name: str, key: object) -> str:
    """Return the name of an item within a topic. `name` is the part before the verb in the kinds of its events."""
    return f"{name}:{key}"


def id_events(
    topic: str, kind: str, ids: Sequence[str], *, erases: str = "", more: Mapping[str, str] | None = None
) -> Iterator[NewEvent]:
    """Yield events that list at most `IDS_IN_AN_EVENT` ids each, and say `more` of them.

    `erases` is the name of the items to erase.
    """
    for some in chunks(ids, IDS_IN_AN_EVENT):
        keys = [item_key(erases, key) for key in some] if erases else ()
        yield NewEvent(topic, kind, {"ids": some, **(more or {})}, erases=keys)


def inbox_topic(person_pk: object) -> str:
    """Return the stored topic of a person's inbox. That person sees it as plain `inbox`."""
    return f"inbox.{person_key(person_pk)}"


def check_topic(topic: str) -> str:
    """Return the topic. Raise `BadTopic`, which describes a valid topic, if it is not one."""
    if not _TOPIC.fullmatch(topic) or len(topic) > 200:
        raise BadTopic(f"{topic!r} is not a topic: write words joined by dots, like 'post.9', at most 200 characters.")
    return topic


def check_public_topic(topic: str) -> str:
    """Return the topic. Raise `BadTopic` if it is invalid, or if a host may not write to it."""
    if topic == "inbox" or topic.startswith("inbox."):
        raise BadTopic("An inbox is written by notify.send(), not by publish().")
    return check_topic(topic)


def encode_data(data: Mapping[str, Any]) -> str:
    """Return an event's JSON. Raise `EventTooLarge`, or `TypeError` or `ValueError` as `as_json` does."""
    text = as_json(data)
    size = len(text.encode())
    if size > MAX_DATA:
        raise EventTooLarge(f"An event carries at most {MAX_DATA} bytes, not {size}: send an id and let pages fetch.")
    return text


def as_json(data: object) -> str:
    """Return data as JSON that every database stores and every browser reads.

    Raise `TypeError`, or `ValueError` for data nested deeper than `MAX_DEPTH`. Also raise `ValueError` for NaN, NUL or
    half a surrogate pair, which SQLite would store and PostgreSQL would not.
    """
    try:
        text = json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    text.encode()
    if _NUL.search(text):
        raise ValueError("it holds a NUL character: remove it")
    # Counting is quick, and JSON cannot be nested deeper than it has brackets.
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(json.loads(text)) > MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    return text


def _depth(value: object) -> int:
    """Return the depth of nesting. Walk level by level, because recursion could be too deep itself."""
    depth, level = 0, [value]
    while level:
        lists = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [inner for one in lists for inner in one]
        depth += bool(lists)
    return depth
