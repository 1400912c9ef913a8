"""The bench: it measures the hub and its peers in one run on one machine. `python -m bench.run [--quick] [MEASURE…]`.

It prints the tables. After a full run it also writes docs/benchmarks.md, but not with `--quick`, `--server` or named
measures.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable

from bench import report
from bench.measures import (
    idle_processes,
    long_snapshot,
    look,
    mailing,
    memory,
    million_rows,
    office,
    one_event,
    one_topic,
    own_topics,
    publishing,
    pushing,
    rollout,
    sending,
    storage,
    storm,
    to_page,
)
from bench.stage import SERVERS, Stage
from bench.table import Table

MEASURES: dict[str, Callable[..., Table]] = {
    module.__name__.rpartition(".")[2]: module.measure
    for module in (
        one_topic,
        one_event,
        own_topics,
        memory,
        storm,
        to_page,
        publishing,
        sending,
        pushing,
        rollout,
        office,
        look,
        long_snapshot,
        idle_processes,
        storage,
        million_rows,
        mailing,
    )
}


def main() -> None:
    arguments = _arguments()
    names: list[str] = arguments.measures or list(MEASURES)
    # SIGTERM must end the servers too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with Stage(arguments.server) as stage:
        tables = [_measure(name, stage, quick=arguments.quick) for name in names]
    if names == list(MEASURES) and not arguments.quick and arguments.server == "hub_serve":
        print(f"\nWritten: {report.write(tables)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the hub beside its peers.")
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"any of: {', '.join(MEASURES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="use small sizes, take under a minute, and write nothing")
    parser.add_argument("--server", choices=SERVERS, default="hub_serve", help="the server that runs the site")
    arguments = parser.parse_args()
    if unknown := set(arguments.measures) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    return arguments


def _measure(name: str, stage: Stage, *, quick: bool) -> Table:
    print(f"\n{name} …", end="", file=sys.stderr, flush=True)
    began = time.monotonic()
    table = MEASURES[name](stage, quick=quick)
    print(f" {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(table.plain(), flush=True)
    return table


if __name__ == "__main__":
    main()
