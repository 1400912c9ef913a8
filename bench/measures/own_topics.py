"""Events to many people, each on their own topic: the capacity of reading and hinting if nothing can be shared."""

from __future__ import annotations

from functools import partial

from bench.burst import burst
from bench.stage import Stage
from bench.table import Table


def measure(stage: Stage, *, quick: bool) -> Table:
    people, events = (200, 500) if quick else (2000, 5000)
    table = Table(
        title=f"Own topics: {events:,} events at 500/s to {people:,} people, each their own inbox",
        wanted="none lost, p99 at most 20 ms",
        method="Four threads of a process beside the server log an event a commit, to one inbox after the other. "
        "Times are counted from before an event is written.",
        columns=("", "published/s", "p50 ms", "p99 ms", "worst ms", "lost", "server CPU"),
        bound="nothing can be shared. Each event waits for the disk twice, for its commit and for that of its number. "
        "Then it waits for a hint, a read and a frame. PostgreSQL, Redis, the publisher and the server share the "
        "machine's cores.",
    )
    with stage.product() as server:
        pks = [pk for pk, _cookies in stage.people[:people]]
        publish = partial(stage.begin, "to_inboxes", pks=pks, count=events, per_second=500)
        measured = burst([server], stage.lines(server, people), events, publish)
    received = measured.received
    table.add(
        "the hub",
        measured.published_per_second,
        received.p50_ms,
        received.p99_ms,
        received.max_ms,
        measured.lost,
        f"{measured.server_cpu:.0%}",
    )
    table.judge(measured.whole and received.p99_ms <= 20, f"p99 {received.p99_ms:.1f} ms, lost {measured.lost}")
    return table
