"""What the server says: frames, the same on every kind of connection."""

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
"""Where a reader stands on each of its topics; None is now. Never changed in place, as connections share them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`text` is its JSON. One that is not `news` holds nothing but a cursor."""

    text: str
    cursor: str
    news: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive events of one topic, encoded once for every connection that gets them."""

    topic: str
    epoch: str
    first: int
    events: Sequence[str]

    @property
    def last(self) -> int:
        return self.first + len(self.events) - 1


@dataclass(frozen=True, slots=True)
class Advance:
    """What a batch does to a connection: these events of it are new, in this frame, and then it stands there."""

    events: Sequence[str]
    positions: Positions
    frame: Frame


class Round:
    """One batch on its way to many connections. Those that stand at the same positions get the very same frame.

    Only positions of the same topics are the same, so that nobody's cursor speaks of what another listens to.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._steps: dict[object, Advance] = {}
        self._seen: dict[int, tuple[Positions, Advance]] = {}

    def step(self, positions: Positions, position: Position) -> Advance:
        """For a connection at `positions`, of which `position` is that on the batch's topic."""
        # After their first round together they hold one and the same object, which is found without comparing.
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
    """`events` are encoded; `reset` and `positions` name topics as they are logged."""
    at = cursor.encode({topic: position for topic, position in positions.items() if position is not None})
    names = json.dumps(list(dict.fromkeys(map(shown, reset))))
    text = f'{{"events":[{",".join(events)}],"cursor":"{at}","more":{"true" if more else "false"},"reset":{names}}}'
    return Frame(text, at, bool(events or reset or more))


def read_frame(positions: Positions, reset: Sequence[str]) -> Frame:
    """A page of every topic at once, for a client that asks and goes. Asks the database: run it in a thread."""
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


def batch_of(reading: Reading) -> Batch:
    events = encode_events(reading)
    return Batch(reading.topic, reading.epoch, reading.position.seq - len(events) + 1, events)
