"""The contents of the event log, for assertions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from notifications_hub.streams import Event, Stream, inbox_topic
from notifications_hub.users import Person


def delivered_to(person: Person, *kinds: str) -> list[tuple[str, Any]]:
    """Return kind and data of the events in a person's inbox log, in order. If kinds are named, only those."""
    events = Event.objects.filter(topic=inbox_topic(person.pk)).order_by("id")
    return [(event.kind, event.data) for event in events if not kinds or event.kind in kinds]


def notified_ids(person: Person, kind: str) -> list[list[str]]:
    """Return the ids in each of a person's events of a kind."""
    return [data["ids"] for _kind, data in delivered_to(person, kind)]


def unnumbered() -> int:
    return Event.objects.filter(seq=None).count()


def holes() -> list[str]:
    """Return the topics that lack a number between their pruned part and the top."""
    return [stream.topic for stream in Stream.objects.all() if not _is_gapless(stream)]


def _is_gapless(stream: Stream) -> bool:
    seqs = Event.objects.filter(topic=stream.topic).exclude(seq=None).order_by("seq").values_list("seq", flat=True)
    return list(seqs) == list(range(stream.pruned_through + 1, stream.top + 1))


def leave_unnumbered(*topics: str, mark: str = "left behind") -> None:
    """Create events like a process that is killed between its commit and its callbacks."""
    now = datetime.now(UTC)
    Event.objects.bulk_create(Event(topic=topic, kind="note", data={"mark": mark}, created=now) for topic in topics)
