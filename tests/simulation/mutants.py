"""Versions of the spine without one of its precautions. The simulation must find each of them.

The first ones take back a mend: a topic that is added again during a read, a topic without a position (None), what
waits across a reset, and a reset that is sent too early.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection as database

from notifications_hub.live.connection import Connection
from notifications_hub.live.fanout import Fanout
from notifications_hub.live.frames import Frame, Positions, compose
from notifications_hub.streams import Reading, sequencer, store
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream
from tests.simulation.client import Client
from tests.simulation.database import step
from tests.simulation.wire import Sent


@dataclass(frozen=True)
class Mutant:
    """Each of `broken` takes the place of a function, named by its owner and its name."""

    title: str
    broken: Sequence[tuple[Any, str, Any]]
    needs_overlap: bool = False
    """Only PostgreSQL lets transactions overlap."""
    takes_minutes: bool = False
    """It shows in few worlds only, so `make exhaustive` looks for it."""

    def install(self, patched: pytest.MonkeyPatch) -> None:
        for owner, name, function in self.broken:
            patched.setattr(owner, name, function)


def _apply_to_a_topic_added_again(self: Connection, reading: Reading, asked: Positions) -> bool:
    """Apply a reading also to a topic that was dropped and added again elsewhere since the read began."""
    if reading.topic not in self.positions:
        return False
    return _real_apply(self, reading, {**asked, reading.topic: self.positions[reading.topic]})


def _read_without_position_from_now(self: Fanout, topics: Iterable[str]) -> dict[str, Position | None]:
    """Read topics without a position from now on. Their connections may be further behind."""
    return {topic: self._topics[topic].position for topic in topics if topic in self._topics}


def _ignore_hints_without_position(self: Fanout, tops: Mapping[str, int]) -> None:
    """Ignore a hint for a topic that no connection has placed yet."""
    placed = {topic for topic, one in self._topics.items() if one.position is not None}
    _real_note(self, {topic: top for topic, top in tops.items() if topic in placed})


def _keep_what_waits_across_a_reset(self: Connection, topics: Iterable[str]) -> None:
    """Send events that were read before a reset or a change of topics together with those after it."""


def _reset_before_the_read(self: Connection) -> Frame:
    """Tell a client to fetch a topic that has no position yet."""
    frame = compose(self._waiting, self.positions, more=self._more, reset=self._reset)
    self._waiting, self._waiting_bytes, self._reset, self._frame_due = [], 0, [], False
    return frame


def _take_batches_that_do_not_join(self: Connection, offered: Any, batch: Any, position: Position | None) -> Any:
    """Take any batch of a topic, also after a gap."""
    if position is not None and batch.first > position.seq + 1:
        position = replace(position, seq=batch.first - 1)
        self.positions = {**self.positions, batch.topic: position}
    return _real_take(self, offered, batch, position)


def _trust_any_epoch(position: Position, epoch: str, top: int, pruned_through: int) -> bool:
    """Go on with a position of another epoch, from before a backup was restored."""
    return pruned_through <= position.seq <= top


def _skip_what_was_pruned(position: Position, epoch: str, top: int, pruned_through: int) -> bool:
    """Go on from a position whose next events retention has removed."""
    same_stream = position.epoch == epoch or (position.epoch == "" and position.seq == 0)
    return same_stream and position.seq <= top


async def _trust_hints(self: Fanout) -> None:
    """Find new events by hints alone."""


def _number_without_the_lock(topics: Collection[str], *, skip_locked: bool) -> dict[str, int | None]:
    """Give numbers by a top that was read before the transaction."""
    tops = dict(Stream.objects.filter(topic__in=topics).values_list("topic", "top"))
    late = list(Event.objects.filter(seq=None, topic__in=topics).order_by("pk").values_list("pk", "topic"))
    step()
    for pk, topic in late:
        tops[topic] = tops.get(topic, 0) + 1
        Event.objects.filter(pk=pk).update(seq=tops[topic])
    for topic, top in tops.items():
        Stream.objects.update_or_create(topic=topic, defaults={"top": top})
    return {topic: tops[topic] for _pk, topic in late}


def _number_by_id(topics: Collection[str], *, skip_locked: bool) -> dict[str, int | None]:
    """Number the events with an id above the last numbered one: the naive reader of `id > cursor`."""
    with database.cursor() as sql:
        sql.execute(
            """DELETE FROM notifications_hub_event late WHERE seq IS NULL AND topic = ANY(%s) AND id < (
                SELECT max(id) FROM notifications_hub_event done WHERE done.topic = late.topic AND seq IS NOT NULL)""",
            [list(topics)],
        )
    return _real_number_once(topics, skip_locked=skip_locked)


def _take_the_cursor_first(self: Client, sent: Sent) -> bool:
    """Keep the cursor of a frame whose events the page did not apply, because the connection was cut."""
    is_whole = _real_client_take(self, sent)
    if not is_whole and (found := re.search(r'"cursor":"([^"]+)"', sent.text)):
        self.page.at = {**self.page.at, **self.page.decoded(found[1])}
    return is_whole


_real_apply = Connection._apply
_real_note = Fanout.note
_real_take = Connection._take
_real_client_take = Client._take
_real_number_once = sequencer._number_once

MENDS = [
    Mutant("topic added again during a read", [(Connection, "_apply", _apply_to_a_topic_added_again)]),
    Mutant(
        "position None",
        [(Fanout, "_wanted", _read_without_position_from_now), (Fanout, "note", _ignore_hints_without_position)],
    ),
    Mutant("position None in a hint", [(Fanout, "note", _ignore_hints_without_position)]),
    Mutant("events that wait across a reset", [(Connection, "_drop_waiting", _keep_what_waits_across_a_reset)]),
    Mutant("reset before the read", [(Connection, "_take_frame", _reset_before_the_read)]),
]
OTHERS = [
    Mutant("trusts hints", [(Fanout, "check_log", _trust_hints)]),
    Mutant("trusts any epoch", [(store, "_continues", _trust_any_epoch)]),
    Mutant("skips what was pruned", [(store, "_continues", _skip_what_was_pruned)]),
    Mutant(
        "takes batches that do not join",
        [(Connection, "_take", _take_batches_that_do_not_join)],
        takes_minutes=True,
    ),
    Mutant("numbers without the lock", [(sequencer, "_number_once", _number_without_the_lock)]),
    Mutant("numbers by id", [(sequencer, "_number_once", _number_by_id)], needs_overlap=True),
    Mutant("takes the cursor first", [(Client, "_take", _take_the_cursor_first)]),
]
