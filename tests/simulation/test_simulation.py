"""The spine under a seeded scheduler: kills, overlapping transactions, lost and late hints, and changing topics."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping

import pytest

from notifications_hub import streams
from notifications_hub.live.connection import Connection
from notifications_hub.live.fanout import Fanout
from notifications_hub.live.frames import Positions, encode_events
from notifications_hub.streams import Reading
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream
from tests.simulation.loop import VirtualLoop, run_virtually
from tests.simulation.world import World
from tests.support.full import FULL, report

STEPS = 1_000_000 if FULL else 20_000
SEEDS, FEW_STEPS = int(os.environ.get("SEEDS", "200")), 6_000
SEED = int(os.environ.get("SEED", "1"))

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let models be used on the event loop's thread, and do not print the faults that are meant."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def simulate(monkeypatch: pytest.MonkeyPatch, seed: int, steps: int) -> World:
    """Run the world once, and return it with its verdict."""

    for model in (Event, Stream):
        model.objects.all().delete()

    async def main(loop: VirtualLoop) -> World:
        world = World(loop, seed)
        monkeypatch.setattr("notifications_hub.live.hub.Database", world.calls)
        monkeypatch.setattr("notifications_hub.live.fanout.Database", world.calls)
        monkeypatch.setattr("notifications_hub.live.channel_layer.shared_layer", lambda: world.bus)
        monkeypatch.setattr("notifications_hub.publishing._hub", world.acting_process)
        monkeypatch.setattr("notifications_hub.streams.store.number_soon", world.number_soon)
        monkeypatch.setattr("notifications_hub.streams.sweeper._chores", [streams.number_everything])
        monkeypatch.setattr(time, "monotonic", loop.time)
        await world.run(steps)
        return world

    return run_virtually(main)


@pytest.mark.faults(short=True)
def test_nothing_is_lost_or_repeated(quiet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    world = simulate(monkeypatch, SEED, STEPS)
    applied = sum(client.applied for client in world.clients)
    report(
        f"seed {SEED}: {world.loop.steps:,} steps, {world.loop.time() - 1000:,.0f} virtual seconds, "
        f"{world.committed.total():,} events committed, {applied:,} applied, {world.kills} kills"
    )
    assert world.blamed == []
    assert world.kills
    assert applied > world.committed.total()


def _apply_what_was_asked(self: Connection, reading: Reading, asked: Positions) -> bool:
    """Apply a reading as before its mend: also to a topic that was dropped and added again since the read began."""
    if reading.topic not in self.positions:
        return False
    self.positions = {**self.positions, reading.topic: reading.position}
    if reading.reset:
        self._reset.append(reading.topic)
    self._queue(encode_events(reading))
    return True


def _skip_the_unplaced(self: Fanout, topics: Iterable[str]) -> dict[str, Position | None]:
    """Return the positions to read from as before its mend: a topic without one is left to nobody."""
    listened = {topic: self._topics[topic] for topic in topics if topic in self._topics}
    return {topic: one.position for topic, one in listened.items() if one.position is not None}


def _forget_the_unplaced(self: Fanout, tops: Mapping[str, int]) -> None:
    """Note hints as before a mend: one for a topic without a position is dropped."""
    for topic, top in tops.items():
        listened = self._topics.get(topic)
        if listened is not None and listened.position is not None and top > listened.position.seq:
            self._behind[topic] = top
    if self._behind:
        self._wake.set()


@pytest.mark.faults(short=True)
@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("live.connection.Connection._apply", _apply_what_was_asked),
        ("live.fanout.Fanout._wanted", _skip_the_unplaced),
        ("live.fanout.Fanout.note", _forget_the_unplaced),
    ],
)
def test_a_race_that_was_mended_is_found_when_it_is_back(
    quiet: None, monkeypatch: pytest.MonkeyPatch, name: str, broken: object
) -> None:
    monkeypatch.setattr(f"notifications_hub.{name}", broken)
    for seed in range(SEED, SEED + SEEDS):
        world = simulate(monkeypatch, seed, FEW_STEPS)
        if world.blamed:
            report(f"{name}: seed {seed} {world.blamed[0]}")
            return
    pytest.fail(f"No seed noticed that {name} is broken.")
