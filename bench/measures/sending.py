"""`notify.send` beside the package's own handler, which only inserts rows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from bench.client import Client
from bench.stage import Stage, finish
from bench.table import Table
from tests.support.processes import ROOT

KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"


def measure(stage: Stage, *, quick: bool) -> Table:
    count, turns, crowds, sockets = (1_000, 5, 2, 200) if quick else (10_000, 40, 5, 5_000)
    table = Table(
        title=f"Sending to one person and to {count:,} people, beside the package's own handler",
        wanted="one person: at most 1.5 times theirs in wall and processor time (2 to land). Many: at most 0.7 times "
        "(1 to land), under 60 MB, all live within 3 s",
        method="The package's handler inserts rows into the same table. `notify.send` also renders the words, logs and "
        "numbers the events, hints the hubs and plans a push for each person. Both run in a plain thread of a process "
        f"without a hub, in turns. The figures are medians of {turns} turns of 25 calls to different people, and of "
        f"{crowds} calls to all. Processor time is that of the process with all its threads, until all is numbered and "
        "hinted. Memory is the peak of Python's allocations in one call, with the notifications that it returns. Live "
        f"is the time from the call to the last frame on {sockets:,} sockets of these people.",
        columns=("", "theirs ms", "ours ms", "share", "theirs CPU ms", "ours CPU ms", "CPU share", "peak MB", "live s"),
        bound="PostgreSQL's time for three rows instead of one, and for one person a hint through Redis.",
    )
    measured = _run(stage, "compare", count=count, turns=turns, calls=25, crowds=crowds)
    live = _live(stage, count, sockets)
    one, many = measured["one"], measured["many"]
    for subject, found, peak, seconds in (
        ("one person", one, "", ""),
        (f"{count:,} people", many, many["ours_peak_mb"], live),
    ):
        names = ("theirs_wall", "ours_wall", "wall_share", "theirs_cpu", "ours_cpu", "cpu_share")
        table.add(subject, *(found[name] for name in names), peak, seconds)
    reached = max(one["wall_share"], one["cpu_share"]) <= 1.5 and many["wall_share"] <= 0.7 and live <= 3
    shares = f"one person {one['wall_share']:.2f} (CPU {one['cpu_share']:.2f}), many {many['wall_share']:.2f}"
    table.judge(reached and many["ours_peak_mb"] < 60, f"{shares}, {many['ours_peak_mb']:.0f} MB, live in {live:.1f} s")
    return table


def _live(stage: Stage, count: int, sockets: int) -> float:
    """Return the seconds from the call to the last frame on an open page."""
    with stage.product() as server, Client(stage.lines(server, sockets), at_once=200) as client:
        client.connected().check()
        server.settle()
        pks = [pk for pk, _cookies in stage.people[:sockets]]
        sent: Mapping[str, int] = _run(stage, "to_pages", pks=pks, count=count)
        received = client.rest()
    assert received.events == sockets, f"{received.events} of {sockets} open pages got the notification"
    return (received.last_ns - sent["began"]) / 1e9


def _run(stage: Stage, task: str, **arguments: object) -> Any:
    settings = {"VAPID_PRIVATE_KEY": KEY, "VAPID_SUBJECT": "mailto:ops@hub.example"}
    command = [sys.executable, "-m", "bench.sends", task, json.dumps(arguments)]
    return finish(
        subprocess.Popen(command, cwd=ROOT, env=stage.environment | settings, stdout=subprocess.PIPE, text=True)
    )
