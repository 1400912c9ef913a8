"""The question that each hub asks the database once a second: what is new in the topics that its pages listen to."""

from __future__ import annotations

from bench.stage import Stage
from bench.table import Table

CHANGED = 50


def measure(stage: Stage, *, quick: bool) -> Table:
    table = Table(
        title="The look at the log",
        wanted="the same for 10,000 topics as for 100",
        method=f"The best of nine questions, in a process without other work. {CHANGED} topics have changed for the "
        "second figure. The last is a comparison of every topic, as the hub did each second before.",
        columns=("topics listened to", "nothing new, ms", f"{CHANGED} have news, ms", "comparing all, ms"),
        bound="a round trip to the database.",
    )
    counts = (100, 1000) if quick else (100, 1000, 10_000)
    measured = [stage.inside("look", topics=count, changed=CHANGED) for count in counts]
    for count, one in zip(counts, measured, strict=True):
        table.add(f"{count:,}", one["idle"], one["changed"], one["all"])
    first, last = measured[0]["changed"], measured[-1]["changed"]
    table.judge(last < 2 * first + 1, f"{first:.2f} ms and {last:.2f} ms")
    return table
