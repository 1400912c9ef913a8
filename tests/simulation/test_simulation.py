"""The spine under a seeded scheduler: kills, overlapping transactions, lost and late hints, and changing topics."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import count

import pytest
from django.db import connection

from tests.simulation.mutants import MENDS, OTHERS, Mutant
from tests.simulation.run import replay, simulate
from tests.support.full import FULL, report

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

SEED = int(os.environ.get("SEED", "1"))
STEPS = int(os.environ.get("STEPS", "5000"))
"""Steps of one world. Many small worlds differ more than a large one."""
IN_ALL = 1_000_000 if FULL else 25_000
SEEDS = 300
"""The most worlds in which a mutant must be found."""


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
def test_nothing_is_lost_or_repeated() -> None:
    steps = 0
    figures: Counter[str] = Counter()
    for seed in count(SEED):
        world = simulate(seed, STEPS)
        assert world.blamed == [], replay(seed, STEPS)
        steps += world.loop.steps
        figures += world.figures
        if steps >= IN_ALL:
            break
    counted = ", ".join(f"{number:,} {name}" for name, number in sorted(figures.items()))
    report(f"{steps:,} steps, seeds {SEED} to {seed}: {counted}, 0 lost, 0 repeated, 0 out of order")
    assert figures["applied"] > figures["acknowledged"]
    assert min(figures["kills"], figures["restores"], figures["prunes"]) > 0


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.faults(short=True)
def test_a_seed_replays() -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL draws epochs by itself, and gives rows in any order")
    assert simulate(SEED, STEPS).digest == simulate(SEED, STEPS).digest


@pytest.mark.faults
def test_a_seed_replays_in_another_process() -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL draws epochs by itself, and gives rows in any order")
    assert _replayed(hash_seed="1") == _replayed(hash_seed="2") == simulate(SEED, STEPS).digest


def _replayed(hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", str(SEED), str(STEPS)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=300)
    found = re.search(r"trace ([0-9a-f]+)", run.stdout)
    assert found
    return found[1]


def _case(mutant: Mutant) -> object:
    marks = [pytest.mark.exhaustive] if mutant.takes_minutes else []
    return pytest.param(mutant, id=mutant.title, marks=marks)


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
@pytest.mark.parametrize("mutant", [_case(one) for one in (MENDS + OTHERS if FULL else MENDS[1:2])])
def test_the_simulation_finds(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    if mutant.needs_overlap and connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer")
    mutant.install(monkeypatch)
    for seed in range(SEED, SEED + SEEDS):
        world = simulate(seed, STEPS)
        if world.blamed:
            report(f"{mutant.title}: {world.blamed[0]}; {replay(seed, STEPS, mutant.title)}")
            return
    pytest.fail(f"No seed found: {mutant.title}")
