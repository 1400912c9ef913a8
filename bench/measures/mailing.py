"""Emails of one worker beside a loop of `send_mail` on one connection, to the same mail server on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench.stage import Stage, finish
from bench.table import Table
from tests.support.processes import ROOT


def measure(stage: Stage, *, quick: bool) -> Table:
    count, turns = (200, 1) if quick else (1_000, 3)
    table = Table(
        title=f"{count:,} emails of one worker, beside a loop of `send_mail`",
        wanted="at least twice the rate of the loop",
        method="A mail server of asyncio runs in a process of its own, and answers each command after the delay of the "
        "row, as one on another machine does. The loop sends the same texts on one connection that stays open. The "
        "worker claims, renders text and HTML, sends and records. The figures are medians, in turns.",
        columns=("", "loop a second", "worker a second", "share", "loop CPU ms", "worker CPU ms"),
        bound="The interpreter: text and HTML are rendered and encoded in one process.",
    )
    worst = 0.0
    for delay in (5, 20):
        found = _run(stage, count=count, turns=turns, delay=delay / 1000)
        share = found["worker"] / found["loop"]
        worst = min(worst or share, share)
        table.add(
            f"{delay} ms an answer", found["loop"], found["worker"], share, found["loop_cpu"], found["worker_cpu"]
        )
    table.judge(worst >= 2, f"{worst:.1f} times")
    return table


def _run(stage: Stage, **arguments: object) -> Any:
    command = [sys.executable, "-m", "bench.mails", json.dumps(arguments)]
    return finish(subprocess.Popen(command, cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE, text=True))
