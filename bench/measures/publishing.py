"""The time that a caller of `publish` waits, beside the least cost of a row in the database."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from bench.processes import Server
from bench.stage import Stage
from bench.table import Table


def measure(stage: Stage, *, quick: bool) -> Table:
    turns = 4 if quick else 20
    table = Table(
        title="Publishing",
        wanted="`publish` at half the rate of a bare INSERT + COMMIT or better; `publish_many` 10,000 events/s or more",
        method="One call after the other, in turns of a quarter of a second. The figures are medians, and the share is "
        "the median of a turn's rate by that of the turn before it. Bare is the same row by `cursor.execute` in "
        "`transaction.atomic`, on Django's connection. The thread is in a process without a hub. The view is an async "
        "view of the site, in the hub's process, and calls by `sync_to_async`. `publish_many` takes a thousand a call.",
        columns=("", "bare/s", "publish/s", "share", "publish_many events/s"),
    )
    in_thread: Mapping[str, float] = stage.inside("rates_in_a_thread", turns=turns)
    with stage.product(DJANGO_SETTINGS_MODULE="bench.settings") as server:
        in_view = _ask(server, turns)
    for subject, measured in (("a plain thread", in_thread), ("an async view", in_view)):
        table.add(subject, *(measured[name] for name in ("bare", "one", "share", "many")))
    share, many = (min(measured[name] for measured in (in_thread, in_view)) for name in ("share", "many"))
    table.judge(share >= 0.5 and many >= 10_000, f"share {share:.2f}, {many:,.0f} events/s")
    return table


def _ask(server: Server, turns: int) -> Mapping[str, float]:
    answer = requests.get(f"{server.url}/bench/", {"turns": str(turns)}, timeout=120)
    answer.raise_for_status()
    measured: Mapping[str, float] = answer.json()
    return measured
