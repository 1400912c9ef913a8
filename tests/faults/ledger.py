"""The ledger: what producers committed, what clients applied, and what services took. The verdict is arithmetic.

A producer writes a line only after its COMMIT returned, so nothing that may fail later is counted as promised. All
lines of a commit, or of a frame, are one `write` to a file in append mode: processes share a ledger, and a killed one
leaves whole lines.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A notification whose COMMIT returned at this time, in seconds since the epoch. `mark` is in its data."""

    person: str
    mark: str
    at: float
    took: float = 0.0
    """Seconds from the beginning of its transaction, without what the producer held it open."""


@dataclass(frozen=True, slots=True)
class Applied:
    """An event that a client applied. `mark` is empty if it was another event than a new notification."""

    client: str
    person: str
    topic: str
    seq: int
    mark: str
    at: float


@dataclass(frozen=True, slots=True)
class Reset:
    """A topic that a client had to fetch again."""

    client: str
    topic: str
    at: float


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that a service accepted for a person. `name` is the same if the message is sent again."""

    method: str
    person: str
    mark: str
    name: str
    at: float


Line = TypeVar("Line", Acknowledged, Applied, Reset, Taken)


class Ledger:
    """The files of one run. Any process may write to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, *lines: Acknowledged | Applied | Reset | Taken) -> None:
        """Append lines of one kind, in one `write`."""
        text = "".join(f"{json.dumps({name: getattr(line, name) for name in line.__slots__})}\n" for line in lines)
        file = os.open(self._file(type(lines[0])), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)

    def read(self, kind: type[Line]) -> list[Line]:
        return list(self._lines(kind))

    def _lines(self, kind: type[Line]) -> Iterator[Line]:
        if (file := self._file(kind)).exists():
            for line in file.read_text().splitlines():
                yield kind(**json.loads(line))

    def _file(self, kind: type) -> Path:
        return self.folder / f"{kind.__name__.lower()}.jsonl"


@dataclass(frozen=True)
class Verdict:
    """The result of a run. Delays are in seconds, from the COMMIT to the client."""

    acknowledged: int
    clients: int
    applied: int
    lost: int
    repeated: int
    gaps: int
    resets: int
    delay_p50: float
    delay_p99: float
    delay_worst: float
    unacknowledged: int
    """Events of commits whose producer never heard that they succeeded. They are neither promised nor wrong."""

    @property
    def holds(self) -> bool:
        return self.acknowledged > 0 and self.clients > 0 and not (self.lost or self.repeated or self.gaps)

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {self.clients} clients applied {self.applied}: {self.lost} lost, "
            f"{self.repeated} repeated, {self.gaps} gaps, {self.resets} resets; delay p50 {self.delay_p50:.3f} s, "
            f"p99 {self.delay_p99:.3f} s, worst {self.delay_worst:.3f} s"
        )


def judge(ledger: Ledger, *, clients: dict[str, str]) -> Verdict:
    """Compare what was promised to each person with what each of their clients applied. `clients`: names to people."""
    promised: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for line in ledger.read(Acknowledged):
        promised[line.person][line.mark] = line.at
    of_client: dict[str, list[Applied]] = {name: [] for name in clients}
    for event in ledger.read(Applied):
        if event.client in of_client:
            of_client[event.client].append(event)
    delays = sorted(
        event.at - promised[event.person][event.mark]
        for events in of_client.values()
        for event in events
        if event.mark in promised[event.person]
    )
    return Verdict(
        acknowledged=sum(len(promised[person]) for person in set(clients.values())),
        clients=len(clients),
        applied=len(delays),
        lost=sum(len(promised[person].keys() - _marks(of_client[name])) for name, person in clients.items()),
        repeated=sum(_repeated(events) for events in of_client.values()),
        gaps=sum(_gaps(events) for events in of_client.values()),
        resets=len(ledger.read(Reset)),
        delay_p50=_part(delays, 0.5),
        delay_p99=_part(delays, 0.99),
        delay_worst=_part(delays, 1.0),
        unacknowledged=sum(
            len(_marks(of_client[name]) - promised[person].keys() - {""}) for name, person in clients.items()
        ),
    )


@dataclass(frozen=True)
class Delivered:
    """Messages that the services took, of all that was promised to these people."""

    promised: int
    taken: int
    lost: int
    again: int
    """Messages that came again under their own name: a worker was killed between sending and recording."""
    doubled: int
    """Messages that came under two names. People would see both."""

    def __str__(self) -> str:
        found = f"{self.lost} lost, {self.again} again, {self.doubled} doubled"
        return f"{self.promised} promised, {self.taken} taken: {found}"


def judge_deliveries(ledger: Ledger, *, method: str, people: Sequence[str]) -> Delivered:
    """Compare what was promised to these people with what the service of this method took."""
    promised = {(line.person, line.mark) for line in ledger.read(Acknowledged) if line.person in people}
    names: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for line in ledger.read(Taken):
        if line.method == method:
            names[line.person, line.mark].append(line.name)
    return Delivered(
        promised=len(promised),
        taken=sum(map(len, names.values())),
        lost=len(promised - names.keys()),
        again=sum(len(each) - len(set(each)) for each in names.values()),
        doubled=sum(len(set(each)) - 1 for each in names.values()),
    )


def _marks(events: Sequence[Applied]) -> set[str]:
    return {event.mark for event in events}


def _repeated(events: Sequence[Applied]) -> int:
    counted = Counter((event.topic, event.seq) for event in events)
    marked = Counter(event.mark for event in events if event.mark)
    return sum(counted.values()) - len(counted) + sum(marked.values()) - len(marked)


def _gaps(events: Sequence[Applied]) -> int:
    """Return the number of places where a topic's next number does not follow. A reset begins anew, and is counted."""
    of_topic: defaultdict[str, list[int]] = defaultdict(list)
    for event in events:
        of_topic[event.topic].append(event.seq)
    return sum(after > before + 1 for numbers in of_topic.values() for before, after in pairwise(numbers))


def _part(ordered: Sequence[float], part: float) -> float:
    """Return the value below which this part of the values lies, or 0.0 without any."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0
