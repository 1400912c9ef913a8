"""Tasks of `bench.inside` that time single questions to the log: the best of several runs, in milliseconds.

The best is the least disturbed by other programs of the machine. What grows without end shows in it too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from notifications_hub import streams
from notifications_hub.streams import NewEvent
from tests.support.buffers import buffers_of
from tests.support.open_transactions import long_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = 9
TOPIC = "post.9"


def look(topics: int, changed: int) -> dict[str, float]:
    """Listen to topics, of which some change. Time the question for changes, and the comparison of every topic."""
    names = [f"look.{topics}.{number}" for number in range(topics)]
    _append(names)
    streams.number(names)
    positions = {reading.topic: reading.position for reading in streams.read(dict.fromkeys(names))}
    mark = streams.changes_since(None).mark
    _append(names[:changed])
    streams.number(names[:changed])
    new = streams.changes_since(mark).mark
    return {
        "idle": _best(lambda: streams.changes_since(new)),
        "changed": _best(lambda: streams.changes_since(mark)),
        "all": _best(lambda: streams.moved(positions)),
    }


def under_a_snapshot(events: int, steps: int, topics: int) -> list[Mapping[str, float]]:
    """Write events while a backup's snapshot is open. Return what a sweep, a read and a numbering cost at each step."""
    _append([TOPIC])
    streams.number([TOPIC])
    with _no_background_numbering(), long_snapshot():
        measured = [_costs()]
        for _ in range(steps):
            _write(events // steps, topics)
            measured.append(_costs())
    return measured


def _write(events: int, topics: int) -> None:
    names = [TOPIC if number == 0 else f"post.{TOPIC}.{number}" for number in range(topics)]
    for written in range(0, events, 100):
        some = [names[(written + number) % topics] for number in range(100)]
        _append(some)
        streams.number(set(some))
        if written % 2000 == 0:
            # As each hub does once a second.
            streams.number_everything()


def _costs() -> Mapping[str, float]:
    streams.number_everything()
    [reading] = streams.read({TOPIC: None})
    wanted = {TOPIC: reading.position}
    return {
        "sweep": _best(streams.number_everything),
        "read": _best(lambda: streams.read(wanted)),
        "number": min(_numbering() for _ in range(RUNS)),
        "sweep_buffers": buffers_of(streams.number_everything),
        "read_buffers": buffers_of(lambda: streams.read(wanted)),
    }


def _numbering() -> float:
    _append([TOPIC])
    return _best(lambda: streams.number([TOPIC]), runs=1)


def _append(topics: list[str]) -> None:
    streams.append_many([NewEvent(topic, "note", {"id": 1}) for topic in topics])


@contextmanager
def _no_background_numbering() -> Iterator[None]:
    with patch("notifications_hub.streams.store.number_soon", lambda topics: None):
        yield


def _best(act: Callable[[], Any], runs: int = RUNS) -> float:
    def run() -> float:
        began = time.perf_counter()
        act()
        return (time.perf_counter() - began) * 1000

    return min(run() for _ in range(runs))
