"""The ledger harness: it finds what is wrong, it holds on a quiet site, and a naive reader fails it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.ledger import (
    Acknowledged,
    Applied,
    Ledger,
    Taken,
    Verdict,
    judge,
    judge_deliveries,
)  # fmt: skip
from tests.faults.naive import NAME, NaiveReader
from tests.faults.run import Run, running
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.full import FULL
from tests.support.site import Site

SECONDS, RATE, PEOPLE = (20, 200, 4) if FULL else (3, 100, 2)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def verdict_of(ledger: Ledger, *applied: tuple[int, str]) -> Verdict:
    """Acknowledge a, b and c to Alice, let her client apply these numbers and marks, and judge."""
    for mark in "abc":
        ledger.write(Acknowledged("alice", mark, 1.0))
    for seq, mark in applied:
        ledger.write(Applied("one", "alice", "inbox", seq, mark, 1.5))
    return judge(ledger, clients={"one": "alice"})


def test_a_whole_run_holds(ledger: Ledger) -> None:
    verdict = verdict_of(ledger, (4, "a"), (5, "b"), (6, "c"))
    assert verdict.holds
    assert verdict.delay_worst == 0.5


@pytest.mark.parametrize(
    ("applied", "lost", "repeated", "gaps"),
    [
        pytest.param([(4, "a"), (5, "b")], 1, 0, 0, id="lost"),
        pytest.param([(4, "a"), (5, "b"), (5, "b"), (6, "c")], 0, 2, 0, id="number-and-mark-repeated"),
        pytest.param([(4, "a"), (5, "b"), (6, "c"), (7, "b")], 0, 1, 0, id="mark-repeated"),
        pytest.param([(4, "a"), (6, "b"), (7, "c")], 0, 0, 1, id="gap"),
        pytest.param([], 3, 0, 0, id="nothing"),
    ],
)
def test_what_is_wrong_is_counted(
    ledger: Ledger, applied: list[tuple[int, str]], lost: int, repeated: int, gaps: int
) -> None:
    verdict = verdict_of(ledger, *applied)
    assert (verdict.lost, verdict.repeated, verdict.gaps) == (lost, repeated, gaps)
    assert not verdict.holds


def test_a_run_without_producers_or_clients_does_not_hold(ledger: Ledger) -> None:
    assert not judge(ledger, clients={"one": "alice"}).holds
    ledger.write(Acknowledged("alice", "a", 1.0))
    assert not judge(ledger, clients={}).holds


def test_deliveries_are_lost_sent_again_or_doubled(ledger: Ledger) -> None:
    for mark in "abc":
        ledger.write(Acknowledged("alice", mark, 1.0))
    for mark, name in [("a", "n1"), ("a", "n1"), ("b", "n2"), ("b", "n3")]:
        ledger.write(Taken("email", "alice", mark, name, 2.0))
    found = judge_deliveries(ledger, method="email", people=["alice"])
    assert (found.promised, found.lost, found.again, found.doubled) == (3, 1, 1, 1)


@pytest.fixture(scope="module")
def verdicts(
    databases: SqliteDatabases | PostgresDatabases, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Verdict, Verdict]:
    """Return what one run found about our clients, and on PostgreSQL about a naive reader beside them.

    Writers hold their transactions open and give some up. Clients of all four kinds listen.
    """
    folder = tmp_path_factory.mktemp("run")
    site = Site(folder, hub={}, environment={"DATABASE_URL": databases.copy()})
    try:
        with running(site.url, site.environment, folder, people=PEOPLE) as run:
            with _naive_reader(run, site) if isinstance(databases, PostgresDatabases) else nullcontext():
                verdict = run.prove(seconds=SECONDS, rate=RATE, threads=4, hold=0.02, rolled_back=0.1)
            return verdict, judge(run.ledger, clients={NAME: run.people[0]})
    finally:
        site.close()


def _naive_reader(run: Run, site: Site) -> NaiveReader:
    topic = run.python(f"""
        from django.contrib.auth import get_user_model
        from notifications_hub.streams.models import inbox_topic
        print(inbox_topic(get_user_model().objects.get(username={run.people[0]!r}).pk))
    """)
    return NaiveReader(run.ledger, site.database_url, run.people[0], topic)


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
def test_nothing_is_lost_doubled_or_skipped_without_faults(verdicts: tuple[Verdict, Verdict]) -> None:
    """T1, T2: writers that hold their transactions open and give some up, and clients of all four kinds."""
    verdict, _naive = verdicts
    record("T1", verdict)
    assert verdict.holds
    assert verdict.resets == 0


@pytest.mark.postgres
def test_a_naive_reader_fails(verdicts: tuple[Verdict, Verdict]) -> None:
    """The control of T1: `id > cursor` loses what commits late, in the same run in which our clients lose nothing."""
    verdict, naive = verdicts
    record("T1 control", naive)
    assert verdict.holds
    assert naive.lost > 0
