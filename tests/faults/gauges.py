"""Gauges of what a process holds: memory, threads, open files and tasks of its event loop, sampled over a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import linear_regression, mean, stdev

import requests

from tests.support.processes import family

TASKS = re.compile(r"^notifications_hub_event_loop_tasks (\S+)", re.MULTILINE)
ANONYMOUS = re.compile(r"^Pss_Anon:\s+(\d+) kB", re.MULTILINE)
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Sample:
    """Gauges of some processes together. Memory is in MB, without the files that they map.

    Other programs of the machine map the same files, so a process's part of these changes whenever one starts or ends.
    """

    memory: float
    tasks: float
    threads: float
    descriptors: float


NAMES = tuple(field.name for field in fields(Sample))


@dataclass(frozen=True)
class Curve:
    """One gauge over a run: `(seconds, value)`, oldest first."""

    name: str
    points: Sequence[tuple[float, float]]

    @property
    def halves(self) -> tuple[Sequence[tuple[float, float]], Sequence[tuple[float, float]]]:
        middle = len(self.points) // 2
        return self.points[:middle], self.points[middle:]

    @property
    def growth(self) -> tuple[float, float]:
        """Return how much each half grew, by its regression line."""
        first, second = (_growth(half) for half in self.halves)
        return first, second

    @property
    def noise(self) -> float:
        """Return twice the deviation of the first half from its line, and at least 1 % of the mean."""
        points = self.halves[0]
        slope, intercept = linear_regression(*zip(*points, strict=True))
        rests = [value - intercept - slope * at for at, value in points]
        return max(2 * stdev(rests), 0.01 * mean(value for _, value in self.points))

    @property
    def is_flat(self) -> bool:
        """Return whether the second half grew no more than the first, within noise."""
        first, second = self.growth
        return second <= max(first, 0.0) + self.noise

    def __str__(self) -> str:
        values = [value for _, value in self.points]
        first, second = self.growth
        return (
            f"{self.name:12} {drawn(values)} {values[0]:.0f} to {values[-1]:.0f}, "
            f"first half {first:+.1f}, second {second:+.1f}, noise {self.noise:.1f}"
        )


def sample(pids: Sequence[int], metrics_urls: Sequence[str], token: str) -> Sample:
    """Return what these processes, with their children, hold now. The tasks are those that `/metrics` counts."""
    everyone = [pid for each in pids for pid in family(each)]
    return Sample(
        memory=sum(map(_memory, everyone)),
        tasks=sum(_tasks(url, token) for url in metrics_urls),
        threads=sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in everyone),
        descriptors=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in everyone),
    )


def curves(samples: Sequence[tuple[float, Sample]]) -> list[Curve]:
    """Return a curve for each gauge."""
    columns = zip(*(astuple(one) for _, one in samples), strict=True)
    times = [at for at, _ in samples]
    return [Curve(name, list(zip(times, column, strict=True))) for name, column in zip(NAMES, columns, strict=True)]


def drawn(values: Sequence[float], *, width: int = 60) -> str:
    """Draw values as bars from 0 to the highest, each for the mean of its part of the run."""
    size = max(1, -(-len(values) // width))
    parts = [mean(values[at : at + size]) for at in range(0, len(values), size)]
    highest = max(parts) or 1.0
    return "".join(BARS[min(len(BARS) - 1, int(part / highest * len(BARS)))] for part in parts)


def _growth(points: Sequence[tuple[float, float]]) -> float:
    slope, _ = linear_regression(*zip(*points, strict=True))
    return slope * (points[-1][0] - points[0][0])


def _memory(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = ANONYMOUS.search(text)
    assert found or not text, "This kernel does not tell how much of a process's memory maps no file"
    # Without text the process has just ended.
    return int(found[1]) / 1024 if found else 0.0


def _tasks(url: str, token: str) -> float:
    text = requests.get(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=30).text
    found = TASKS.search(text)
    assert found, "/metrics counts no tasks"
    return float(found[1])
