"""Events that come while a backup's snapshot is open, so that PostgreSQL can remove no dead row or index entry."""

from __future__ import annotations

from bench.stage import Stage
from bench.table import Table


def measure(stage: Stage, *, quick: bool) -> Table:
    events, steps = (10_000, 2) if quick else (100_000, 5)
    table = Table(
        title=f"A long snapshot while {events:,} events come",
        wanted="a sweep, a read and a numbering cost the same at the end as in the beginning",
        method="REPEATABLE READ in another session, as pg_dump has. 100 events a commit, on one topic. The best of "
        "nine runs, and the buffers of one. The sweep runs every 2,000 events.",
        columns=("events", "sweep ms", "read ms", "numbering ms", "sweep buffers", "read buffers"),
        bound="the versions of a stream's row, one for each numbering of the same topic.",
    )
    measured = stage.inside("under_a_snapshot", events=events, steps=steps, topics=1)
    for step, one in enumerate(measured):
        figures = (one[name] for name in ("sweep", "read", "number"))
        table.add(f"{events // steps * step:,}", *figures, one["sweep_buffers"], one["read_buffers"])
    first, last = measured[0], measured[-1]
    flat = all(last[name] < 2 * first[name] + 1 for name in ("sweep", "read", "number"))
    table.judge(flat, f"numbering {first['number']:.1f} ms, then {last['number']:.1f} ms")
    return table
