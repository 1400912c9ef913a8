"""What a log is made of: topics, their streams, and the events on them.

StreamError
├── BadTopic        the name is not one
└── EventTooLarge   the data is more than a page should be sent
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import HubModel
from notifications_hub.users import person_key

MAX_DATA = 64 * 1024
"""Bytes of JSON an event may carry."""
IDS_IN_AN_EVENT = 500
"""An event lists no more ids than this, so that a page applies it at once."""
TOMBSTONE = "tombstone"
"""The kind of an event whose words were erased. Clients ignore kinds they do not know, so they only count it."""

MAX_DEPTH = 100
"""Lists and objects within each other. SQLite reads a thousand levels, and other readers of JSON fewer."""
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep: keep it flat"

_TOPIC = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)*", re.ASCII)
# As JSON writes it; one behind an odd number of backslashes is a backslash that someone wrote.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class StreamError(ValueError):
    """The base of the errors that `publish` raises."""


class BadTopic(StreamError):
    """The name of a topic is invalid, or it belongs to the hub."""


class EventTooLarge(StreamError):
    """The data of an event is too large to be sent in one frame."""


def new_epoch() -> str:
    return secrets.token_hex(4)


class Stream(HubModel):
    """Where a topic's numbering stands. Everything in `pruned_through + 1 … top` exists."""

    topic = models.CharField(_("topic"), max_length=200, unique=True)
    epoch = models.CharField(_("epoch"), max_length=8, default=new_epoch)
    top = models.BigIntegerField(_("last number"), default=0)
    pruned_through = models.BigIntegerField(_("pruned through"), default=0)
    timeline = models.IntegerField(null=True, editable=False)
    """PostgreSQL's, in which the last number was given. A standby that takes over, or a restore, begins another."""

    class Meta(HubModel.Meta):
        verbose_name = _("stream")
        verbose_name_plural = _("streams")

    def __str__(self) -> str:
        return f"{self.topic} at {self.top}"


class Event(HubModel):
    """One entry of a topic's log. `seq` is empty until its transaction has committed.

    `item` names what the data describes. `erases` names items whose earlier events on the topic lose their data when
    this event gets its number: they become tombstones, or carry this event's own data where it describes the same item.
    """

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=200)
    seq = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=100)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    created = models.DateTimeField()
    item = models.TextField(null=True)  # noqa: DJ001 -- most events have none, and the index leaves those out
    erases = models.JSONField(null=True)

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["topic", "seq"], name="hub_event_topic_seq")]
        indexes = [
            models.Index(fields=["topic", "id"], condition=models.Q(seq=None), name="hub_event_unnumbered"),
            models.Index(fields=["topic", "item"], condition=models.Q(item__isnull=False), name="hub_event_item"),
        ]

    def __str__(self) -> str:
        return f"{self.topic}#{self.seq} {self.kind}"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """`item` and `erases` are made by `item_key()`; see `Event`."""

    topic: str
    kind: str
    data: Mapping[str, Any]
    item: str | None = None
    erases: Sequence[str] = ()


def item_key(name: str, key: object) -> str:
    """Return the name of an item within a topic. `name` is what comes before the verb in the kinds of its events."""
    return f"{name}:{key}"


def id_events(topic: str, kind: str, ids: Sequence[str], *, erases: str = "") -> Iterator[NewEvent]:
    """Yield events that list ids, `IDS_IN_AN_EVENT` at most. `erases` names the items whose words leave the log."""
    for some in chunks(ids, IDS_IN_AN_EVENT):
        keys = [item_key(erases, key) for key in some] if erases else ()
        yield NewEvent(topic, kind, {"ids": some}, erases=keys)


def inbox_topic(person_pk: object) -> str:
    """The stored topic of one person's inbox; that person sees it as plain `inbox`."""
    return f"inbox.{person_key(person_pk)}"


def check_topic(topic: str) -> str:
    """Raises `BadTopic`, naming the form that a topic has."""
    if not _TOPIC.fullmatch(topic) or len(topic) > 200:
        raise BadTopic(f"{topic!r} is not a topic: write words joined by dots, like 'post.9', at most 200 characters.")
    return topic


def check_public_topic(topic: str) -> str:
    """The same for one that a host may write to."""
    if topic == "inbox" or topic.startswith("inbox."):
        raise BadTopic("An inbox is written by notify.send(), not by publish().")
    return check_topic(topic)


def encode_data(data: Mapping[str, Any]) -> str:
    """The JSON of an event. Raises `EventTooLarge`; `TypeError` or `ValueError` for what not every database keeps."""
    text = as_json(data)
    size = len(text.encode())
    if size > MAX_DATA:
        raise EventTooLarge(f"An event carries at most {MAX_DATA} bytes, not {size}: send an id and let pages fetch.")
    return text


def as_json(data: object) -> str:
    """The JSON of something; no NaN, NUL or half a surrogate pair, which SQLite would keep and PostgreSQL not.

    Raises `ValueError`, also for what is nested more deeply than every database and browser reads, and `TypeError`.
    """
    try:
        text = json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    text.encode()
    if _NUL.search(text):
        raise ValueError("it holds a NUL character: remove it")
    # Counted first, which is quick: without that many brackets nothing can be nested so deeply.
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(json.loads(text)) > MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    return text


def _depth(value: object) -> int:
    """Level by level, as a call for each level could be too deep itself."""
    depth, level = 0, [value]
    while level:
        lists = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [inner for one in lists for inner in one]
        depth += bool(lists)
    return depth


def prune_many(wanted: Mapping[str, int]) -> int:
    """Removes topics' events up to a number each. Only ever a prefix, or readers would meet a hole.

    Four statements for some hundred topics. Gives how many events went.
    """
    with transaction.atomic():
        streams = Stream.objects.filter(topic__in=wanted).order_by("pk").select_for_update(no_key=True)
        moved = [stream for stream in streams if min(wanted[stream.topic], stream.top) > stream.pruned_through]
        for stream in moved:
            stream.pruned_through = min(wanted[stream.topic], stream.top)
        if not moved:
            return 0
        Stream.objects.bulk_update(moved, ["pruned_through"])
        prefixes = (models.Q(topic=stream.topic, seq__lte=stream.pruned_through) for stream in moved)
        return Event.objects.filter(reduce(or_, prefixes)).delete()[0]
