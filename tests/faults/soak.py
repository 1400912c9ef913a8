"""A soak of the cluster, as `make soak`: whether a process that runs for long holds more and more.

    python -m tests.faults.soak --minutes 30

1,000 sockets listen, 20 notifications a second are sent, and 5 % of the pages leave and return each minute. Redis is
killed every five minutes, and a worker every three. It prints the curves of the web processes, and exits with 1 if one
of them grew more in the second half than in the first, or if the ledger does not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from tests.faults.figures import record
from tests.faults.gauges import Curve, Sample, curves, sample
from tests.faults.ledger import Verdict
from tests.faults.run import Run, running
from tests.support.cluster import Cluster
from tests.support.full import report
from tests.support.live import WEBSOCKET

TOKEN = "the-token-of-the-soak"
HUB = {"METRICS_TOKEN": TOKEN, "LIVE_PER_ADDRESS": 0}
PAGES_OF_ONE = 5
REDIS_EVERY, WORKER_EVERY = 300.0, 180.0
WARM_UP = 60.0


@dataclass
class Soak:
    """One run against a cluster. `minutes` begin after a warm-up of a minute, in which all pages open."""

    cluster: Cluster
    run: Run
    minutes: float
    samples: list[tuple[float, Sample]] = field(default_factory=list)

    def happen(self) -> None:
        """Kill Redis and the workers in turn, and take a sample every few seconds, until the time is over."""
        time.sleep(min(WARM_UP, self.minutes * 6))
        began = time.monotonic()
        workers, kills = cycle(["worker-1", "worker-2"]), {"redis": REDIS_EVERY, "worker": WORKER_EVERY}
        while (passed := time.monotonic() - began) < self.minutes * 60:
            for part in [part for part, due in kills.items() if due <= passed]:
                self.cluster.kill(next(workers) if part == "worker" else part)
                kills[part] += REDIS_EVERY if part == "redis" else WORKER_EVERY
            self.samples.append((passed, self._sample()))
            time.sleep(max(0.0, began + passed + max(1.0, self.minutes / 2) - time.monotonic()))

    def _sample(self) -> Sample:
        return sample([self.cluster.pid(part) for part in ("web-1", "web-2")], self.cluster.web_urls, TOKEN)


def soak(folder: Path, *, minutes: float, sockets: int, rate: float) -> tuple[Verdict, list[Curve]]:
    """Run a soak, print what it found, and return the verdict and the curves."""
    with (
        Cluster(hub=HUB) as cluster,
        running(
            cluster.url, cluster.environment, folder, people=max(1, sockets // PAGES_OF_ONE), clients=sockets,
            kinds=[WEBSOCKET], stays=(0.0, 2400.0),
        ) as run,
    ):  # fmt: skip
        one = Soak(cluster, run, minutes)
        seconds = minutes * 60 + min(WARM_UP, minutes * 6)
        verdict = run.prove(seconds=seconds, rate=rate, producers=1, happening=one.happen)
        found = curves(one.samples)
    for curve in found:
        report(str(curve))
    growth = {f"{curve.name}_growth": curve.growth[1] for curve in found}
    record(f"T46 {minutes:g} minutes", verdict, sockets=sockets, **growth)
    return verdict, found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Soak the cluster, and print what its web processes hold.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20.0)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        verdict, found = soak(Path(folder), minutes=given.minutes, sockets=given.sockets, rate=given.rate)
    return 0 if verdict.holds and all(curve.is_flat for curve in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
