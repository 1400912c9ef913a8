"""One event to very many sockets: the time until the last one has it."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from bench.burst import Burst, burst
from bench.client import Line
from bench.stage import Stage
from bench.table import Table


def measure(stage: Stage, *, quick: bool) -> Table:
    sockets, events = (500, 5) if quick else (5000, 20)
    table = Table(
        title=f"One event to {sockets:,} sockets",
        wanted="p99 by one process at most 1.5 times Nchan's in the same run (2.5 to land)",
        method=f"{events} events, two a second. Each is timed from before it is written (for Nchan, before its POST) "
        "to its arrival at each socket.",
        columns=("", "p50 ms", "p99 ms", "worst ms", "lost", "CPU ms an event"),
        bound="processor time, the last column. Two fifths are the kernel's write to each socket. Half is the "
        "interpreter, which visits each connection and finds little of it in the processor's caches. The frame is made "
        "once.",
    )
    ours = _hub(stage, sockets, events, processes=1)
    _add(table, "the hub, one process", ours, events)
    _add(table, "the hub, two processes", _hub(stage, sockets, events, processes=2), events)
    nchan = _nchan(stage, sockets, events)
    if nchan is not None:
        _add(table, "Nchan, one worker", nchan, events)
        times = ours.received.p99_ms / nchan.received.p99_ms
        table.judge(ours.whole and times <= 1.5, f"{times:.2f} times Nchan's")
    return table


def _hub(stage: Stage, sockets: int, events: int, *, processes: int) -> Burst:
    share = sockets // processes
    with ExitStack() as running:
        servers = [running.enter_context(stage.product()) for _ in range(processes)]
        lines = [
            line
            for number, server in enumerate(servers)
            for line in stage.lines(server, share, topic="everyone", first=number * share)
        ]
        publish = partial(stage.begin, "to_topic", count=events, per_second=2, threads=1)
        return burst(servers, lines, len(lines) * events, publish)


def _nchan(stage: Stage, sockets: int, events: int) -> Burst | None:
    with stage.nchan() as server:
        if server is None:
            return None
        publish = partial(stage.publish_beside, "to_nchan", port=server.port, count=events, per_second=2)
        return burst([server], [Line(server.port, "/subscribe")] * sockets, sockets * events, publish)


def _add(table: Table, subject: str, measured: Burst, events: int) -> None:
    received = measured.received
    cpu_ms = measured.server_cpu * measured.seconds / events * 1000
    table.add(subject, received.p50_ms, received.p99_ms, received.max_ms, measured.lost, cpu_ms)
