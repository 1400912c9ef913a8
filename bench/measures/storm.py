"""A restarted server, to which all clients return at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
        wanted="at least 0.6 of the bare connect rate of the same run, and no 500",
        method="Bare is an ASGI application that accepts and waits. A client of the hub counts when it has its first "
        "frame, which brings the event that it missed. The three take turns, and the best runs are compared. Two "
        "processes are two workers of one server on one port.",
        columns=("", "connects/s", "seconds", "failed", "resumed", "CPU ms a client", "answers"),
        bound="the processor. One interpreter opens each socket as bare ASGI does. It also reads and checks its "
        "session and person, opens the cursor, reads the log, and makes and sends a frame. The load client, PostgreSQL "
        "and Redis share the machine's cores with the processes.",
    )
    bare, ours, by_two = [], [], []
    for _ in range(rounds):
        bare.append(_bare(stage, sockets))
        ours.append(_resume(stage, sockets))
        by_two.append(_resume(stage, sockets, workers=2))
    best_bare, best, best_by_two = map(_fastest, (bare, ours, by_two))
    _add(table, "bare ASGI on uvicorn", best_bare, "")
    _add(table, "the hub, signed in and resumed", best, f"{best.connected.greeted:,}")
    _add(table, "the hub, two processes", best_by_two, f"{best_by_two.connected.greeted:,}")
    share, share_by_two = (one.connected.per_second / best_bare.connected.per_second for one in (best, best_by_two))
    clean = all(not one.connected.failed and "500" not in one.connected.statuses for one in (*ours, *by_two))
    table.judge(clean and share >= 0.6, f"{share:.2f} of the bare rate by one process, {share_by_two:.2f} by two")
    return table


@dataclass(frozen=True, slots=True)
class _Opened:
    """A crowd that was let in, and the processor time of the server meanwhile."""

    connected: Connected
    cpu_seconds: float


def _fastest(opened: Sequence[_Opened]) -> _Opened:
    return max(opened, key=lambda one: one.connected.per_second)


def _bare(stage: Stage, sockets: int) -> _Opened:
    with stage.bare() as server:
        before = server.cpu_seconds()
        with Client([Line(server.port, "/")] * sockets, at_once=AT_ONCE) as client:
            return _Opened(client.connected(), server.cpu_seconds() - before)


def _resume(stage: Stage, sockets: int, *, workers: int = 1) -> _Opened:
    with stage.product() as server:
        lines = stage.lines(server, sockets)
        cursors = _cursors(lines, stage.folder / "cursors")
    stage.inside("to_inboxes", pks=[pk for pk, _cookies in stage.people[:sockets]], count=sockets, per_second=100_000)
    with stage.product(server.port, workers=workers) as server:
        returning = [
            replace(line, path=f"{line.path}&cursor={cursor}") for line, cursor in zip(lines, cursors, strict=True)
        ]
        server.settle()
        before = server.cpu_seconds()
        with Client(returning, at_once=AT_ONCE, hello=True) as client:
            opened = _Opened(client.connected(), server.cpu_seconds() - before)
            received = client.stop()
    assert received.events == sockets, f"{sockets} clients resumed with {received.events} events"
    return opened


def _cursors(lines: Sequence[Line], file: Path) -> list[str]:
    with Client(lines, at_once=200, hello=True, cursors=file) as client:
        client.connected().check()
        client.stop()
    return file.read_text().splitlines()


def _add(table: Table, subject: str, opened: _Opened, resumed: str) -> None:
    connected = opened.connected
    cpu_ms = opened.cpu_seconds / connected.open * 1000
    answers = ", ".join(f"{number:,} × {status}" for status, number in connected.statuses.items())
    table.add(subject, connected.per_second, connected.seconds, connected.failed, resumed, cpu_ms, answers)
