"""Web Push by one worker process, compared with pywebpush as tutorials use it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench.stage import Stage, finish
from bench.table import Table
from tests.push_lab.checks import encode
from tests.push_lab.reader import Reader
from tests.support.processes import ROOT

BROWSERS = 100
DATA = json.dumps({"web_push": 8030, "notification": {"title": "Bob replied", "body": "I agree. " * 20}})


def measure(stage: Stage, *, quick: bool) -> Table:
    ours_count, peers_count = (2_000, 300) if quick else (20_000, 2_000)
    table = Table(
        title="Pushing",
        wanted="1,500 pushes/s by one worker process or more, and 4 times the loop",
        method=f"{ours_count:,} planned deliveries to {BROWSERS} browsers, from the first claim to the last record. "
        f"Each delivery has its row, words, token and trail. Each peer sends {peers_count:,} pushes of that size. "
        "The push service is a process that accepts everything. The bound is the time for encryption alone (http_ece).",
        columns=("", "pushes/s", "CPU ms a push", "share of the bound"),
        bound="the interpreter, which the worker's two threads share. A third of the time goes to payload and "
        "encryption, and a fifth to aiohttp's request and answer. The rest goes to claiming, rendering and recording, "
        "which pywebpush's own functions do not do. Workers share only the table: each claims rows that the others "
        "skip. The push service, PostgreSQL and the workers share the machine's cores.",
    )
    with stage.push_service() as service:
        key = encode(secrets.token_bytes(31).rjust(32, b"\1"))
        subscriptions = [Reader(f"{service.url}/push/{number:040d}").to_json() for number in range(BROWSERS)]
        hub = _Hub(stage, f"127.0.0.1:{service.port}", key, subscriptions)
        ours, by_two = hub.send(ours_count, workers=1), hub.send(ours_count, workers=2)
        bound = 1000 / hub.encryption_ms()
        peers = {task: _peer(stage, task, subscriptions, peers_count, key) for task in ("loop", "at_once")}
    for subject, sent in (("one worker process", ours), ("two worker processes", by_two)):
        table.add(subject, sent.per_second, sent.cpu_ms, f"{sent.per_second / bound:.0%}")
    table.add("pywebpush: `webpush` in a loop", peers["loop"], "", f"{peers['loop'] / bound:.0%}")
    table.add("pywebpush: `webpush_async`, 100 at once", peers["at_once"], "", f"{peers['at_once'] / bound:.0%}")
    times = ours.per_second / peers["loop"]
    why = f"{ours.per_second:,.0f} pushes/s, {times:.1f} times the loop, memory +{ours.grown_mb:.0f} MB"
    table.judge(ours.per_second >= 1500 and times >= 4, why)
    return table


@dataclass(frozen=True, slots=True)
class _Sent:
    """The pushes of some worker processes together. `cpu_ms` is the processor time of one push."""

    per_second: float
    cpu_ms: float
    grown_mb: float


class _Hub:
    """The hub's own worker processes, which send to a push service at `host`."""

    def __init__(self, stage: Stage, host: str, key: str, subscriptions: Sequence[Mapping[str, Any]]) -> None:
        self._environment = stage.environment | {
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "VAPID_PRIVATE_KEY": key,
            "VAPID_SUBJECT": "mailto:ops@hub.example",
            "PUSH_EXTRA_HOSTS": host,
        }
        self._subscriptions = subscriptions

    def send(self, count: int, *, workers: int) -> _Sent:
        with ExitStack() as running:
            processes = [running.enter_context(self._begin("work")) for _ in range(workers)]
            for process in processes:
                # Opens connections and imports modules.
                self._plan(len(self._subscriptions))
                _send_due([process])
            self._plan(count)
            reports = _send_due(processes)
            for process in processes:
                process.communicate()
        sent = sum(report["sent"] for report in reports)
        assert sent == count, f"{sent} of {count} deliveries were claimed"
        return _Sent(
            sent / max(report["seconds"] for report in reports),
            sum(report["cpu"] for report in reports) / sent * 1000,
            max(report["grown_mb"] for report in reports),
        )

    def encryption_ms(self) -> float:
        return float(finish(self._begin("encryption_ms")))

    def _plan(self, count: int) -> None:
        process = self._begin("plan", subscriptions=self._subscriptions, count=count)
        process.communicate()
        assert process.returncode == 0, "the deliveries could not be planned"

    def _begin(self, task: str, **arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.pushes", task, json.dumps(arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=self._environment, stdin=pipe, stdout=pipe, text=True)


def _send_due(processes: Sequence[subprocess.Popen[str]]) -> list[Mapping[str, float]]:
    """Have all worker processes send what is due, at the same time, and return their reports."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    reports = []
    for process in processes:
        assert process.stdout is not None
        reports.append(json.loads(process.stdout.readline()))
    return reports


def _peer(stage: Stage, task: str, subscriptions: Sequence[Mapping[str, Any]], count: int, key: str) -> float:
    arguments = json.dumps({"subscriptions": subscriptions, "count": count, "key": key, "data": DATA})
    command = [sys.executable, "-m", "bench.peers.pushers", task, arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE, text=True)
    return float(finish(process)["per_second"])
