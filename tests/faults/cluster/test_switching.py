"""T24: two hundred pages change their kind of connection at random, each with its cursor, behind nginx."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import pytest

from tests.faults.clients import CHANGING
from tests.faults.figures import record
from tests.faults.run import running
from tests.support.cluster import Cluster

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True), pytest.mark.usefixtures("_no_traceback")]

CLIENTS, PEOPLE, RATE = 200, 40, 20
STAYS = (1.0, 5.0)
ALLOWED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""Answers that ask a page to come back later."""


@pytest.mark.parametrize("seconds", [60, pytest.param(600, marks=pytest.mark.exhaustive)])
def test_pages_that_change_connections_apply_every_event_once(cluster: Cluster, tmp_path: Path, seconds: int) -> None:
    with running(
        cluster.url, cluster.environment, tmp_path, people=PEOPLE, clients=CLIENTS, kinds=(CHANGING,), stays=STAYS
    ) as run:
        verdict = run.prove(seconds=seconds, rate=RATE, hold=0.02, rolled_back=0.1)
        connections = [client.connections for client in run.clients]
        failed = {status for client in run.clients for status in client.failures}
    record(f"T24 {seconds} s", verdict, connections=sum(connections), resets=verdict.resets)
    assert verdict.holds
    assert verdict.resets == 0
    assert min(connections) >= seconds / STAYS[1] - 1
    assert failed <= ALLOWED
