"""Many events to many sockets of one topic: the capacity of the fan-out."""

from __future__ import annotations

from functools import partial

from bench.burst import Burst, burst
from bench.client import Line
from bench.stage import Stage
from bench.table import Table

PACE = 1000
"""Requested events a second. The fan-out can just carry as many, so that it is the part measured."""
COLUMNS = ("", "published/s", "events/s delivered", "frames/s", "p50 ms", "p99 ms", "lost", "server CPU", "client CPU")


def measure(stage: Stage, *, quick: bool) -> Table:
    sockets, events = (200, 400) if quick else (1000, 2000)
    table = Table(
        title=f"One topic: {sockets:,} sockets, {events:,} events at {PACE:,}/s",
        wanted="at least 600,000 events/s delivered and 5 times Nchan's, none lost",
        method="Four threads of a process beside the server publish the events, like a worker, so the server gets "
        "hints over Redis. A rate is the number of events delivered by the time from the first event received to the "
        "last. An event's age is counted from before it was written. The pace is the same for all: with 2,000 events "
        "in 3 s there would be at most 667,000/s to deliver. Nchan slows its publisher down. The tutorials' design "
        "gets a tenth of the events, because all would keep it busy for minutes.",
        columns=COLUMNS,
    )
    single, ten = _in_turns(table, stage, sockets, events)
    # If single commits could not keep the pace, their figure measures commits and not the fan-out.
    ours = max(single, ten, key=lambda measured: measured.per_second)
    nchan = _nchan(stage, sockets, events)
    if nchan is not None:
        _add(table, "Nchan, one worker", nchan)
    for layer in ("core", "pubsub"):
        _add(table, f"a consumer a socket, {layer}", _tutorial(stage, layer, sockets, events // 10))
    rival = nchan.per_second if nchan is not None else 0.0
    reached = ours.whole and ours.per_second >= max(600_000, 5 * rival)
    beside = f", {ours.per_second / rival:.1f} times Nchan's" if rival else ""
    table.judge(reached, f"{ours.per_second:,.0f}/s{beside}, lost {ours.lost}")
    return table


def _in_turns(table: Table, stage: Stage, sockets: int, events: int) -> tuple[Burst, Burst]:
    """Measure the hub with one event a commit and with ten, after each also on granian. Return the first two."""
    found = []
    for subject, batch in (("the hub", 1), ("the hub, ten events a commit", 10)):
        ours, on_granian = (_hub(stage, sockets, events, batch=batch, server=server) for server in ("", "granian"))
        _add(table, subject, ours)
        _add(table, f"{subject}, on granian", on_granian)
        found.append(ours)
    return found[0], found[1]


def _hub(stage: Stage, sockets: int, events: int, *, batch: int, server: str) -> Burst:
    publish = partial(stage.begin, "to_topic", count=events, per_second=PACE, batch=batch)
    with stage.product(server=server) as running:
        return burst([running], stage.lines(running, sockets, topic="everyone"), sockets * events, publish)


def _nchan(stage: Stage, sockets: int, events: int) -> Burst | None:
    with stage.nchan() as server:
        if server is None:
            return None
        publish = partial(stage.publish_beside, "to_nchan", port=server.port, count=events, per_second=PACE)
        return burst([server], [Line(server.port, "/subscribe")] * sockets, sockets * events, publish)


def _tutorial(stage: Stage, layer: str, sockets: int, events: int) -> Burst:
    publish = partial(stage.publish_beside, "to_group", layer, count=events, per_second=PACE)
    with stage.channels(layer) as server:
        return burst([server], [Line(server.port, "/")] * sockets, sockets * events, publish)


def _add(table: Table, subject: str, measured: Burst) -> None:
    received = measured.received
    table.add(
        subject,
        measured.published_per_second,
        measured.per_second,
        received.frames / measured.seconds,
        received.p50_ms,
        received.p99_ms,
        measured.lost,
        f"{measured.server_cpu:.0%}",
        f"{received.cpu_seconds / measured.seconds:.0%}",
    )
