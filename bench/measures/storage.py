"""The disk that notifications, their events and their deliveries need."""

from __future__ import annotations

from bench.stage import Stage
from bench.table import Table


def measure(stage: Stage, *, quick: bool) -> Table:
    people, each = (200, 10) if quick else (2_000, 50)
    table = Table(
        title="The disk that notifications need",
        wanted="a notification with its event at most 2 KB",
        method=f"{each} notifications to each of {people:,} people who have a browser, each in its own transaction of "
        "100 people, with a description of 60 characters. Sizes are those of PostgreSQL's tables and indexes after "
        "VACUUM FULL, so a table that changes all the time needs up to a third more.",
        columns=("rows", "count", "bytes of a row", "bytes of its indexes", "together"),
    )
    found = stage.inside("storage", people=people, each=each)
    for name, one in found.items():
        table.add(name, f"{one['count']:,}", one["row"], one["indexes"], one["row"] + one["indexes"])
    kept = sum(found[name]["row"] + found[name]["indexes"] for name in ("notifications", "events"))
    table.judge(kept <= 2048, f"{kept:,.0f} bytes")
    return table
