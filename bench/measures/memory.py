"""The memory that an idle socket takes in a server."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.client import Client, Line
from bench.processes import Server
from bench.stage import Stage
from bench.table import Table

WARM = 100
SETTLE_SECONDS = 5.0


def measure(stage: Stage, *, quick: bool) -> Table:
    sockets = 500 if quick else 5000
    table = Table(
        title=f"Memory of an idle socket, {sockets:,} of them",
        wanted="at most 25 KB for a signed-in socket (36 to land)",
        method=f"Growth of the process's own memory (PSS) from {WARM} sockets to all, {SETTLE_SECONDS:g} s after the "
        "last has opened. No figure includes the kernel's memory for a connection.",
        columns=("", "KB a socket", "MB in all"),
        bound="uvicorn's own socket, the row of bare ASGI. The hub adds the connection and its positions.",
    )
    with stage.product() as server:
        ours = _add(table, "the hub, signed in", server, stage.lines(server, sockets))
    with stage.product(server="granian") as server:
        _add(table, "the hub, signed in, on granian", server, stage.lines(server, sockets))
    with stage.bare() as server:
        _add(table, "bare ASGI on uvicorn", server, [Line(server.port, "/")] * sockets)
    with stage.channels("none") as server:
        _add(table, "bare Channels consumer", server, [Line(server.port, "/")] * sockets)
    with stage.nchan() as nchan:
        if nchan is not None:
            _add(table, "Nchan, one worker", nchan, [Line(nchan.port, "/subscribe")] * sockets)
    table.judge(ours <= 25, f"{ours:.1f} KB")
    return table


def _add(table: Table, subject: str, server: Server, lines: Sequence[Line]) -> float:
    with Client(lines[:WARM], at_once=50) as first:
        first.connected().check()
        time.sleep(1)
        before = server.memory_kb()
        with Client(lines[WARM:], at_once=200) as others:
            others.connected().check()
            time.sleep(SETTLE_SECONDS)
            after = server.memory_kb()
    each = (after - before) / (len(lines) - WARM)
    table.add(subject, each, after / 1024)
    return each
