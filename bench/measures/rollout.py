"""An announcement to a million people: the caller's time, open pages, and pushes beside other notifications."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench.client import Client
from bench.stage import Stage, finish
from bench.table import Table
from tests.push_lab.checks import encode
from tests.push_lab.reader import Reader
from tests.support.processes import ROOT

OTHERS_PER_SECOND = 10


def measure(stage: Stage, *, quick: bool) -> Table:
    people, browsers, sockets = (3_000, 2_000, 500) if quick else (1_000_000, 200_000, 5_000)
    table = Table(
        title=f"An announcement to {people:,} people",
        wanted="the call at most 200 ms; on the last open page within 1 s; more pushes a second with more workers; "
        "pushes of other notifications wait less than 1 s at the 99th percentile",
        method=f"{browsers:,} of the people have a browser. Each worker process sends the announcement's pushes, while "
        f"{OTHERS_PER_SECOND} other notifications a second are sent, and their pushes timed from their "
        "insertion to their record. The push service accepts everything. `broadcast()` is timed seven times.",
        columns=("", "value", "pushes/s", "CPU ms a push", "others' p50 ms", "others' p99 ms"),
        bound="the interpreter of a worker, as in the measure of pushing. The rows of people who never looked are "
        "made on the way. The push service, PostgreSQL and the workers share the machine's cores.",
    )
    with stage.push_service() as service:
        hub = _Hub(stage, f"127.0.0.1:{service.port}")
        hub.load(first=0, count=browsers)
        few = hub.run("call")
        hub.run("add_people", count=people - browsers)
        many = hub.run("call")
        seen = _seen_ms(stage, hub, sockets)
        sent = {workers: hub.send(browsers, workers) for workers in (1, 2)}
    table.add(f"the call, {browsers:,} people", f"{few['middle']:.0f} ms", "", "", "", "")
    table.add(f"the call, {people:,} people", f"{many['middle']:.0f} ms", "", "", "", "")
    table.add(f"on {sockets:,} open pages", f"{seen:.0f} ms", "", "", "", "")
    for workers, one in sent.items():
        waits = one.others
        memory = f"+{one.grown_mb:.0f} MB"
        table.add(f"{workers} worker processes", memory, one.per_second, one.cpu_ms, waits["p50"], waits["p99"])
    worst = max(one.others["p99"] for one in sent.values())
    gain = sent[2].per_second / sent[1].per_second
    reached = many["longest"] <= 200 and seen <= 1000 and worst < 1000 and gain > 1.2
    why = f"longest call {many['longest']:.0f} ms, last page {seen:.0f} ms, two workers {gain:.2f} times one, "
    table.judge(reached, why + f"others' p99 {worst:.0f} ms")
    return table


@dataclass(frozen=True, slots=True)
class _Sent:
    """The pushes of an announcement. `others` holds the waits of other notifications, in milliseconds."""

    per_second: float
    cpu_ms: float
    grown_mb: float
    others: Mapping[str, float]


class _Hub:
    """The tasks of `bench.announced` on the stage's database, with pushes to the service at `host`."""

    def __init__(self, stage: Stage, host: str) -> None:
        self._host = f"http://{host}"
        self._environment = stage.environment | {
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "VAPID_PRIVATE_KEY": encode(secrets.token_bytes(31).rjust(32, b"\1")),
            "VAPID_SUBJECT": "mailto:ops@hub.example",
            "PUSH_EXTRA_HOSTS": host,
        }

    def load(self, first: int, count: int) -> None:
        subscription = Reader(f"{self._host}/push/{0:040d}").to_json()
        self.run("load", subscription=subscription, host=self._host, first=first, count=count)

    def send(self, browsers: int, workers: int) -> _Sent:
        with ExitStack() as running:
            processes = [running.enter_context(self._begin("work")) for _ in range(workers)]
            pk = self.run("roll_out")
            others = self._begin("others", pk=pk, per_second=OTHERS_PER_SECOND)
            for process in processes:
                _say(process, pk)
            reports = [_hear(process) for process in processes]
            waits = finish(others)
            for process in processes:
                process.communicate()
        right = self.run("is_right", pk=pk)
        # One browser more, whose keys all others share.
        assert right == {"sent": browsers + 1, "failed": 0, "addresses": browsers + 1}, right
        sent = sum(report["sent"] for report in reports)
        return _Sent(
            right["sent"] / max(report["seconds"] for report in reports),
            sum(report["cpu"] for report in reports) / sent * 1000,
            max(report["grown_mb"] for report in reports),
            waits,
        )

    def run(self, task: str, **arguments: object) -> Any:
        process = self._begin(task, **arguments)
        output, _errors = process.communicate()
        assert process.returncode == 0, f"{task} failed"
        return json.loads(output) if output else None

    def _begin(self, task: str, **arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.announced", task, json.dumps(arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=self._environment, stdin=pipe, stdout=pipe, text=True)


def _say(process: subprocess.Popen[str], pk: int) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{pk}\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> Mapping[str, float]:
    assert process.stdout is not None
    report: Mapping[str, float] = json.loads(process.stdout.readline())
    return report


def _seen_ms(stage: Stage, hub: _Hub, sockets: int) -> float:
    """Return the time from before the call to the event's arrival at the last socket."""
    with stage.product() as server:
        lines = stage.lines(server, sockets, topic="everyone")
        # Two of the events are those of `show`'s warm-up.
        with Client(lines, expect=sockets * 3, at_once=200) as client:
            client.connected().check()
            server.settle()
            began = hub.run("show")
            received = client.rest()
    assert received.events == sockets * 3, f"{received.events} of {sockets * 3} events arrived"
    return float(received.last_ns - began) / 1e6
