"""Frames: the messages from server to client, the same on every kind of connection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifications_hub import streams
from notifications_hub.live.topics import shown
from notifications_hub.message import timestamp
from notifications_hub.streams import LoggedEvent, Reading, cursor
from notifications_hub.streams.cursor import Position

Positions = Mapping[str, Position | None]
"""A reader's position on each of its topics; None means now. Connections share these: never change one in place."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as JSON `text`. Without `news` it holds only a cursor."""

    text: str
    cursor: str
    news: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive events of one topic, encoded once for all connections."""

    topic: str
    epoch: str
    first: int
    events: Sequence[str]

    @property
    def last(self) -> int:
        return self.first + len(self.events) - 1


@dataclass(frozen=True, slots=True)
class Advance:
    """The effect of a batch on a connection: its new events, the frame that holds them, and the new positions."""

    events: Sequence[str]
    positions: Positions
    frame: Frame


class Round:
    """One batch on its way to many connections. Connections at the same positions share one frame.

    Positions are equal only if their topics are, so a cursor never reveals the topics of another connection.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._steps: dict[object, Advance] = {}
        self._seen: dict[int, tuple[Positions, Advance]] = {}

    def step(self, positions: Positions, position: Position) -> Advance:
        """Return the advance of a connection at `positions`. `position` is its position on the batch's topic."""
        # After their first common round they share one object, which is found by identity.
        seen = self._seen.get(id(positions))
        if seen is None:
            key = tuple(positions.items())
            step = self._steps.get(key) or self._steps.setdefault(key, self._make(positions, position))
            seen = self._seen[id(positions)] = positions, step
        return seen[1]

    def _make(self, positions: Positions, position: Position) -> Advance:
        batch = self.batch
        events = batch.events[position.seq + 1 - batch.first :]
        reached = {**positions, batch.topic: Position(batch.epoch, position.start, batch.last)}
        return Advance(events, reached, compose(events, reached, more=False, reset=()))


def compose(events: Sequence[str], positions: Positions, *, more: bool, reset: Sequence[str]) -> Frame:
    """Build a frame. `events` are encoded; `reset` and `positions` name topics as they are logged."""
    at = cursor.encode({topic: position for topic, position in positions.items() if position is not None})
    names = json.dumps(list(dict.fromkeys(map(shown, reset))))
    text = f'{{"events":[{",".join(events)}],"cursor":"{at}","more":{"true" if more else "false"},"reset":{names}}}'
    return Frame(text, at, bool(events or reset or more))


def read_frame(positions: Positions, reset: Sequence[str]) -> Frame:
    """Read one page of all topics, for a poll that does not wait. This queries the database: run it in a thread."""
    readings = streams.read(positions)
    return compose(
        [event for reading in readings for event in encode_events(reading)],
        {reading.topic: reading.position for reading in readings},
        more=any(reading.more for reading in readings),
        reset=[*reset, *(reading.topic for reading in readings if reading.reset)],
    )


def encode_event(event: LoggedEvent) -> str:
    return (
        f'{{"topic":{json.dumps(shown(event.topic))},"seq":{json.dumps(event.seq)},"kind":{json.dumps(event.kind)},'
        f'"data":{event.data},"at":"{timestamp(event.created)}"}}'
    )


def encode_events(reading: Reading) -> list[str]:
    return [encode_event(event) for event in reading.events]


def without_topic(events: Sequence[str], topic: str) -> list[str]:
    """Return encoded events without those of a topic, as it is logged."""
    prefix = f'{{"topic":{json.dumps(shown(topic))},'
    return [event for event in events if not event.startswith(prefix)]


def batch_of(reading: Reading) -> Batch:
    events = encode_events(reading)
    return Batch(reading.topic, reading.epoch, reading.position.seq - len(events) + 1, events)
