"""The knowledge of one page, which checks every frame: nothing missing, nothing twice, everything in order.

A page loads its rows from the database when it is rendered and after a `reset`. Between the two it knows only what
frames say. So a page that heard nothing false knows the whole log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifications_hub.streams import cursor
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream

Rows = Mapping[int, int]
"""The written numbers by `seq`."""


@dataclass(frozen=True)
class Loaded:
    """Rows that the database held of a topic when a page loaded it."""

    epoch: str
    top: int
    rows: Rows


@dataclass(frozen=True)
class Kept:
    """A topic as a page left it, to which it may return: a view that the browser kept, with its old cursor."""

    position: Position
    rows: Rows


@dataclass(frozen=True)
class Joined:
    """A change of topics that the server has made. Frames of this generation and later are about the new topics."""

    generation: int
    topics: Sequence[str]
    retained: frozenset[str]
    added: Mapping[str, Kept]


def load(topic: str) -> Loaded:
    stream = Stream.objects.filter(topic=topic).first()
    if stream is None:
        return Loaded("", 0, {})
    return Loaded(stream.epoch, stream.top, log_of(topic))


def log_of(topic: str) -> dict[int, int]:
    rows = Event.objects.filter(topic=topic, seq__isnull=False).order_by("seq").values_list("seq", "data")
    return {seq: written(data) for seq, data in rows if seq is not None}


def written(data: Any) -> int:
    return int((json.loads(data) if isinstance(data, str) else data)["n"])


class Page:
    """Knowledge of a page. `blame` gets each fault of the server, and `applied` each event with its number."""

    def __init__(
        self, *, topics: Sequence[str], blame: Callable[[str], None], applied: Callable[[str, str, int, int], None]
    ) -> None:
        self._blame = blame
        self._applied = applied
        self._names = {cursor.key_of(topic): topic for topic in topics}
        self.at: dict[str, Position] = {}
        self.rows: dict[str, dict[int, int]] = {}
        self.to_load: dict[str, object] = {}
        """Topics to load: the server asked the page to refetch them, or it began without a position."""
        self._loaded: dict[str, Loaded] = {}
        self._begins: dict[str, Position] = {}

    # Loading

    def render(self, text: str, loaded: Mapping[str, Loaded]) -> None:
        """Begin as a page with this cursor, whose rows were loaded after it."""
        self.at = self.decoded(text)
        self.rows = {topic: dict(one.rows) for topic, one in loaded.items()}
        self.to_load = {}
        self._loaded = {}
        self._begins = {}

    def loaded(self, topic: str, one: Loaded) -> None:
        """Put loaded rows beside those that have arrived since the page was asked to load them."""
        del self.to_load[topic]
        self.rows[topic] = {**one.rows, **self.rows.get(topic, {})}
        self._loaded[topic] = one
        self._check_hole(topic)

    def keep(self, topic: str) -> Kept | None:
        """Return the topic as it is known, unless it is still loading."""
        if topic in self.to_load or topic not in self.at or topic not in self.rows:
            return None
        return Kept(self.at[topic], dict(self.rows[topic]))

    def known(self) -> dict[str, Position]:
        """Return the positions by key, as a decoded cursor has them."""
        return {cursor.key_of(topic): at for topic, at in self.at.items()}

    # Changing topics

    def join(self, joined: Joined) -> None:
        """Take the topics of a change over, from the positions that were sent with it."""
        for topic in [*self.at, *self.rows, *self.to_load]:
            if topic not in joined.retained:
                self._forget(topic)
        for topic, kept in joined.added.items():
            self.at[topic], self.rows[topic] = kept.position, dict(kept.rows)

    def _forget(self, topic: str) -> None:
        self.at.pop(topic, None)
        self.rows.pop(topic, None)
        self.to_load.pop(topic, None)
        self._loaded.pop(topic, None)
        self._begins.pop(topic, None)

    # Frames

    def apply(self, frame: Mapping[str, Any]) -> None:
        positions = self.decoded(frame["cursor"])
        for topic in frame["reset"]:
            self._forget(topic)
            self.to_load[topic] = object()
        events: dict[str, list[Any]] = {}
        for event in frame["events"]:
            events.setdefault(event["topic"], []).append(event)
        for topic in sorted(events.keys() - positions.keys()):
            self._blame(f"{topic}: an event came, but the cursor lacks its topic")
        for topic in sorted(self.at.keys() - positions.keys()):
            self._blame(f"{topic}: the cursor lacks a topic that it had")
        for topic, position in positions.items():
            self._follow(topic, position, events.get(topic, []))

    def _follow(self, topic: str, position: Position, events: Sequence[Mapping[str, Any]]) -> None:
        numbers = [event["seq"] for event in events]
        begin = position.seq - len(numbers)
        if numbers != list(range(begin + 1, position.seq + 1)):
            self._blame(f"{topic}: the cursor says {position.seq} after the events {numbers}")
        if before := self.at.get(topic):
            self._compare(topic, before, position, begin)
        else:
            self._begin(topic, Position(position.epoch, begin, begin))
        self.at[topic] = position
        for event in events:
            self.rows.setdefault(topic, {})[event["seq"]] = written(event["data"])
            self._applied(topic, position.epoch, event["seq"], written(event["data"]))

    def _compare(self, topic: str, before: Position, position: Position, begin: int) -> None:
        if begin != before.seq:
            fault = "events are missing" if begin > before.seq else "events came again"
            self._blame(f"{topic}: {fault}, from {before.seq} on the server went on after {begin}")
        if before.epoch == "" and before.seq == 0:
            # Everything from the first event on comes now. Rows that were loaded before it may be older than a restore,
            # which a cursor without an epoch cannot tell.
            self.rows[topic] = {} if position.epoch else self.rows.get(topic, {})
        elif position.epoch != before.epoch:
            self._blame(f"{topic}: the epoch changed from {before.epoch!r} to {position.epoch!r} without a reset")

    def _begin(self, topic: str, begin: Position) -> None:
        self._begins[topic] = begin
        if topic not in self._loaded:
            self.to_load.setdefault(topic, object())
        self._check_hole(topic)

    def _check_hole(self, topic: str) -> None:
        """Blame the server if it goes on later than where the page was loaded after the server had asked it to."""
        begin, one = self._begins.get(topic), self._loaded.get(topic)
        if begin and one and one.epoch in (begin.epoch, "") and one.top < begin.seq:
            self._blame(f"{topic}: loaded up to {one.top} after a reset, but the server went on after {begin.seq}")

    def decoded(self, text: str) -> dict[str, Position]:
        return {self._names[key]: at for key, at in cursor.decode(text).items()}
