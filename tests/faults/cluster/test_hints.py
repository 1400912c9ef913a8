"""Hints between the processes that are lost, doubled, reordered, or far too many. The log is read all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from notifications_hub.live.hub import SWEEP_SECONDS
from tests.faults.figures import record
from tests.faults.hints import send_hints
from tests.faults.parts import paused
from tests.faults.run import Run, running
from tests.support.cluster import Cluster
from tests.support.memory import forget_peak, peak, resident
from tests.support.processes import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True), pytest.mark.usefixtures("_no_traceback")]

PEOPLE, RATE = 16, 40
LOST, DOUBLED, LATE = 0.3, 0.1, 0.5
HINTS = 10_000
ALLOWED_GROWTH = 20_000_000


def test_lost_doubled_and_reordered_hints_cost_a_second_at_most(cluster: Cluster, tmp_path: Path) -> None:
    """T16: of the producers' hints 30 % are lost and 10 % doubled, and each waits up to half a second."""
    letters = tmp_path / "letters"
    with running(cluster.url, cluster.environment, tmp_path, people=PEOPLE) as run:
        run.environments_of_producers = [unreliable(cluster, letters)]
        verdict = run.prove(seconds=25, rate=RATE)
    sent = letters.read_text()
    lost, doubled = sent.count("l") / len(sent), sent.count("d") / len(sent)
    record("T16", verdict, hints=len(sent), lost_part=lost, doubled_part=doubled, delay_p99_seconds=verdict.delay_p99)
    assert verdict.holds
    assert lost == pytest.approx(LOST, abs=0.1)
    assert doubled == pytest.approx(DOUBLED, abs=0.07)
    assert verdict.delay_p99 <= SWEEP_SECONDS + 1.0


def unreliable(cluster: Cluster, letters: Path) -> dict[str, str]:
    """Return the environment of a process whose hints are not reliable."""
    where = {"hosts": [{"address": cluster.redis_url}], "letters": str(letters)}
    faults = {"lost": LOST, "doubled": DOUBLED, "late": LATE}
    layer = {"BACKEND": "tests.faults.unreliable_layer.UnreliableLayer", "CONFIG": {**where, **faults}}
    return {**cluster.environment, "TEST_SETTINGS": json.dumps({"CHANNEL_LAYERS": {"default": layer}})}


def test_a_burst_of_hints_costs_neither_events_nor_memory(cluster: Cluster, tmp_path: Path) -> None:
    """T17: one of two web processes that was stopped for a moment finds 10,000 hints."""
    growth: list[int] = []
    with running(cluster.url, cluster.environment, tmp_path) as run:

        def happening() -> None:
            run.until_produced()
            growth.append(burst(run, cluster, "web-1"))

        verdict = run.prove(seconds=15, rate=RATE, happening=happening)
    record("T17", verdict, hints=HINTS, growth_megabytes=growth[0] / 1e6)
    assert verdict.holds
    assert growth[0] < ALLOWED_GROWTH


def burst(run: Run, cluster: Cluster, part: str) -> int:
    """Send the hints while a web process is stopped. Return the bytes by which it grew at most."""
    send_hints(run, 500)
    before = resident(cluster.pids(part))
    forget_peak(cluster.pids(part))
    with paused(cluster, part):
        send_hints(run, HINTS)
    # It answers in turn with the hints.
    wait_until(lambda: requests.get(f"{cluster.web_urls[0]}/healthz", timeout=60).ok, what="the last hint")
    return peak(cluster.pids(part)) - before
