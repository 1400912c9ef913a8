"""What a caller of `publish` waits for, beside the least that a row in the database costs."""

from __future__ import annotations

from collections.abc import Callable

import requests

from bench.processes import Server
from bench.stage import Stage
from bench.table import Table

Rate = Callable[[str], float]


def measure(stage: Stage, *, quick: bool) -> Table:
    seconds = 1.0 if quick else 4.0
    table = Table(
        title="Publishing",
        wanted="`publish` at half the rate of a bare INSERT + COMMIT or better; `publish_many` 10,000 events/s or more",
        method="One thread, one call after the other, alternating. Bare is the same row by `cursor.execute` in "
        "`transaction.atomic`, on Django's connection. The thread is one of a process without a hub; the view is an "
        "async one of the site, in the hub's process, and calls by `sync_to_async`. `publish_many` takes a thousand.",
        columns=("", "bare/s", "publish/s", "share", "publish_many events/s"),
    )
    in_thread = _add(table, "a plain thread", lambda way: float(stage.inside("rate", name=way, seconds=seconds)))
    with stage.product(DJANGO_SETTINGS_MODULE="bench.settings") as server:
        in_view = _add(table, "an async view", lambda way: _ask(server, way, seconds))
    shares, many = min(in_thread[0], in_view[0]), min(in_thread[1], in_view[1])
    table.judge(shares >= 0.5 and many >= 10_000, f"share {shares:.2f}, {many:,.0f} events/s")
    return table


def _add(table: Table, who: str, rate: Rate) -> tuple[float, float]:
    """Share of the bare rate, and events a second of `publish_many`."""
    bare, one = _best(rate, "bare", "one")
    many = rate("many")
    table.add(who, bare, one, one / bare, many)
    return one / bare, many


def _best(rate: Rate, *ways: str) -> list[float]:
    # In turns, so that what else the machine does meets them all alike.
    rounds = [[rate(way) for way in ways] for _ in range(2)]
    return [max(rates) for rates in zip(*rounds, strict=True)]


def _ask(server: Server, way: str, seconds: float) -> float:
    answer = requests.get(f"{server.url}/bench/{way}/", {"seconds": str(seconds)}, timeout=60)
    answer.raise_for_status()
    return float(answer.json()["per_second"])
