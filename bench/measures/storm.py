"""A restarted server, to which all clients return at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.client import Client, Connected, Line
from bench.stage import Stage
from bench.table import Table

AT_ONCE = 1500
"""Concurrent handshakes: fewer than uvicorn's backlog of 2,048, so that none waits for TCP to retry."""


def measure(stage: Stage, *, quick: bool) -> Table:
    sockets, rounds = (500, 1) if quick else (5000, 2)
    table = Table(
        title=f"{sockets:,} signed-in clients connect and resume at once after a restart",
        wanted="at least 0.8 of the bare connect rate of the same run, and no 500",
        method="Bare is an ASGI application that accepts and waits. A client of the hub counts when it has its first "
        "frame, which brings the event that it missed. The two take turns, and the best runs are compared.",
        columns=("", "connects/s", "seconds", "failed", "resumed", "answers"),
        bound="the processor. One interpreter opens each socket as bare ASGI does. It also reads and checks its "
        "session and person, opens the cursor, reads the log, and makes and sends a frame.",
    )
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(_bare(stage, sockets))
        ours.append(_resume(stage, sockets))
    best_bare, best = (max(rates, key=lambda connected: connected.per_second) for rates in (bare, ours))
    _add(table, "bare ASGI on uvicorn", best_bare, "")
    _add(table, "the hub, signed in and resumed", best, f"{best.greeted:,}")
    share = best.per_second / best_bare.per_second
    clean = all(not one.failed and "500" not in one.statuses for one in ours)
    table.judge(clean and share >= 0.8, f"{share:.2f} of the bare rate")
    return table


def _bare(stage: Stage, sockets: int) -> Connected:
    with stage.bare() as server, Client([Line(server.port, "/")] * sockets, at_once=AT_ONCE) as client:
        return client.connected()


def _resume(stage: Stage, sockets: int) -> Connected:
    with stage.product() as server:
        lines = stage.lines(server, sockets)
        cursors = _cursors(lines, stage.folder / "cursors")
    stage.inside("to_inboxes", pks=[pk for pk, _cookies in stage.people[:sockets]], count=sockets, per_second=100_000)
    with stage.product(server.port):
        returning = [
            replace(line, path=f"{line.path}&cursor={cursor}") for line, cursor in zip(lines, cursors, strict=True)
        ]
        with Client(returning, at_once=AT_ONCE, hello=True) as client:
            connected = client.connected()
            received = client.stop()
    assert received.events == sockets, f"{sockets} clients resumed with {received.events} events"
    return connected


def _cursors(lines: Sequence[Line], file: Path) -> list[str]:
    with Client(lines, at_once=200, hello=True, cursors=file) as client:
        client.connected().check()
        client.stop()
    return file.read_text().splitlines()


def _add(table: Table, subject: str, connected: Connected, resumed: str) -> None:
    answers = ", ".join(f"{number:,} × {status}" for status, number in connected.statuses.items())
    table.add(subject, connected.per_second, connected.seconds, connected.failed, resumed, answers)
