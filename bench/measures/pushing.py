"""Web Push by one worker process, compared with pywebpush as tutorials use it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
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
        method=f"{ours_count:,} planned deliveries to {BROWSERS} browsers, each with its row, words, token and trail, "
        f"from the first claim to the last record. Each peer sends {peers_count:,} pushes of about that size. The push "
        "service is a process that accepts everything. The bound is the time for encryption alone (http_ece).",
        columns=("", "pushes/s", "CPU ms a push", "share of the bound"),
        bound="the interpreter, which the worker's two threads share: for aiohttp's request and answer, encryption, "
        "claiming, rendering and recording. pywebpush's own functions do none of the last three.",
    )
    with stage.push_service() as service:
        key = encode(secrets.token_bytes(31).rjust(32, b"\1"))
        subscriptions = [Reader(f"{service.url}/push/{number:040d}").to_json() for number in range(BROWSERS)]
        ours = _ours(stage, f"127.0.0.1:{service.port}", key, subscriptions=subscriptions, count=ours_count)
        peers = {task: _peer(stage, task, subscriptions, peers_count, key) for task in ("loop", "at_once")}
    bound = 1000 / ours["encryption_ms"]
    table.add("one worker process", ours["per_second"], ours["cpu_ms"], f"{ours['per_second'] / bound:.0%}")
    table.add("pywebpush: `webpush` in a loop", peers["loop"], "", f"{peers['loop'] / bound:.0%}")
    table.add("pywebpush: `webpush_async`, 100 at once", peers["at_once"], "", f"{peers['at_once'] / bound:.0%}")
    times = ours["per_second"] / peers["loop"]
    why = f"{ours['per_second']:,.0f} pushes/s, {times:.1f} times the loop, memory +{ours['grown_mb']:.0f} MB"
    table.judge(ours["per_second"] >= 1500 and times >= 4, why)
    return table


def _ours(stage: Stage, host: str, key: str, **arguments: object) -> Mapping[str, float]:
    settings = {
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "VAPID_PRIVATE_KEY": key,
        "VAPID_SUBJECT": "mailto:ops@hub.example",
        "PUSH_EXTRA_HOSTS": host,
    }
    command = [sys.executable, "-m", "bench.pushes", json.dumps(arguments)]
    process = subprocess.Popen(command, cwd=ROOT, env=stage.environment | settings, stdout=subprocess.PIPE, text=True)
    measured: Mapping[str, float] = finish(process)
    return measured


def _peer(stage: Stage, task: str, subscriptions: Sequence[Mapping[str, Any]], count: int, key: str) -> float:
    arguments = json.dumps({"subscriptions": subscriptions, "count": count, "key": key, "data": DATA})
    command = [sys.executable, "-m", "bench.peers.pushers", task, arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE, text=True)
    return float(finish(process)["per_second"])
