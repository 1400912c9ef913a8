"""PostgreSQL accepts no more connections, while many people have a page open."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import requests

from tests.faults.figures import record
from tests.faults.parts import DurablePostgres, Parts, TwoSites
from tests.faults.run import Run, running
from tests.faults.times import recovery
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.live import WEBSOCKET

pytestmark = [pytest.mark.postgres, pytest.mark.faults]

SOCKETS, PEOPLE = (1000, 20) if FULL else (100, 10)
MOST = 20
AWAY = 10.0
QUIET = 5.0


class FewConnections(DurablePostgres):
    settings = (*DurablePostgres.settings[:-1], f"max_connections={MOST}", "superuser_reserved_connections=0")


def test_sockets_need_no_connection_and_outlast_the_limit(databases: Databases, tmp_path: Path) -> None:
    """T44: `max_connections` is 20. Other programs take all that are left, and give them back."""
    quiet: list[int] = []
    answers: list[int] = []
    back: list[float] = []

    def happening() -> None:
        run.until_produced()
        time.sleep(QUIET)
        quiet.append(connections_of(parts))
        answers.extend(crowded_out(parts, run))
        back.append(time.time())
        time.sleep(3)
        run.end_producing()

    with (
        FewConnections() as server,
        TwoSites(databases, tmp_path, postgres=server, hub={"LIVE_PER_USER": SOCKETS}) as parts,
        running(parts.url, parts.environment, tmp_path, kinds=[WEBSOCKET], people=PEOPLE, clients=SOCKETS) as run,
    ):
        verdict = run.prove(seconds=300, rate=10, producers=1, happening=happening)
        recovered = recovery(run.ledger, clients=run.people_of_clients, since=back[0])
        reconnects = sum(client.connections - 1 for client in run.clients)
    record(
        "T44", verdict, sockets=SOCKETS, connections_with_sockets=quiet[0], max_connections=MOST,
        refused_pages=sum(status in (500, 503) for status in answers), recovery_seconds=recovered,
    )  # fmt: skip
    assert verdict.holds
    assert verdict.resets == 0
    assert quiet[0] < MOST
    assert reconnects == 0
    assert set(answers) & {500, 503}
    assert set(answers) <= {200, 500, 503}
    assert recovered < 5


def crowded_out(parts: Parts, run: Run) -> list[int]:
    """Take every connection that is left, request pages, and give them back. Return the statuses."""
    answers: list[int] = []
    cookie = {"Cookie": run.cookie_of(run.people[0])}
    with ExitStack() as others:
        until = time.monotonic() + AWAY
        while time.monotonic() < until:
            take_all(parts.database_url, others)
            answers += [
                requests.get(url + "/notifications/", headers=cookie, timeout=30).status_code for url in parts.web_urls
            ]
            time.sleep(0.2)
    return answers


def take_all(url: str, others: ExitStack) -> None:
    with pytest.raises(psycopg.OperationalError, match="too many clients"):  # noqa: PT012 -- the last of many
        while True:
            others.enter_context(psycopg.connect(url, autocommit=True))


def connections_of(parts: Parts) -> int:
    with psycopg.connect(parts.database_url) as connection:
        [(count,)] = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
    return int(count)
