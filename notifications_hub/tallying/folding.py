"""Fold tallies a bounded step at a time.

A step is one transaction: it adds to the sums and deletes the tallies that it added. A process killed anywhere leaves
the step done or not begun, so each tally counts once. The lock of one row lets one process at a time fold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Generic, TypeVar

from django.db.models import Model

from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import connection
from notifications_hub.tallying.models import Fold

Tally = TypeVar("Tally", bound=Model)

TURN_SECONDS = 0.2
"""The most that one turn of the sweeper spends on steps, because other chores wait for it."""
PAUSE = timedelta(seconds=2)
"""The time between two turns, of all processes together."""
_SUMS = 200
"""The most sums that one statement adds to."""


@dataclass(frozen=True, slots=True)
class Folding(Generic[Tally]):
    """A chore of one table of tallies. `add` adds a step's tallies to their sums, in the step's transaction."""

    tallies: type[Tally]
    state: type[Fold]
    add: Callable[[Sequence[Tally]], None]

    def turn(self, step: int) -> None:
        """Fold what was tallied, at most `step` in a transaction. Without tallies this is two short questions."""
        now, state = datetime.now(UTC), self._state()
        if self._first(state) is None and not state.is_late(now):
            return
        begin, _made = self._states().get_or_create(pk=1)
        if begin.folded_at > now - PAUSE:
            return
        until = time.monotonic() + TURN_SECONDS
        while self.step(step) and time.monotonic() < until:
            pass

    def step(self, most: int) -> bool:
        """Fold the next tallies, and return whether there may be more. Another process may be at it."""
        now = datetime.now(UTC)
        with transaction.atomic():
            state = self._states().select_for_update(skip_locked=True, no_key=True).filter(pk=1).first()
            if state is None:
                return False
            looks_back = state.is_late(now)
            found = list(self._rows().filter(pk__gt=0 if looks_back else state.floor).order_by("pk")[:most])
            if found:
                self.add(found)
                self._rows().filter(pk__in=[one.pk for one in found]).delete()
                state.floor, state.folded_at = max(state.floor, found[-1].pk), now
            if looks_back and len(found) < most:
                state.looked_back_at = now
            state.save()
        return len(found) == most

    def as_of(self) -> datetime:
        """Return the time up to which the sums are complete: now, or when tallies that wait were folded last."""
        state = self._state()
        return datetime.now(UTC) if self._first(state) is None else state.folded_at

    def _state(self) -> Fold:
        return self._states().filter(pk=1).first() or self.state()

    def _first(self, state: Fold) -> int | None:
        # Above the floor: PostgreSQL keeps the index entries of deleted rows while a long transaction runs.
        pk: int | None = self._rows().filter(pk__gt=state.floor).order_by("pk").values_list("pk", flat=True).first()
        return pk

    def _states(self) -> Any:
        return self.state._default_manager

    def _rows(self) -> Any:
        return self.tallies._default_manager


def add_sums(table: str, keys: Sequence[str], numbers: Sequence[str], rows: Collection[Sequence[Any]]) -> None:
    """Add the numbers of each row to the row of a table that has its keys. Rows must be in the order of their keys.

    All writers lock in that order, so none waits for another in a circle.
    """
    names = [*keys, *numbers]
    place = f"({', '.join(['%s'] * len(names))})"
    sums = ", ".join(f"{name} = old.{name} + EXCLUDED.{name}" for name in numbers)
    with connection.cursor() as sql:
        for some in chunks(list(rows), _SUMS):
            statement = (
                f"INSERT INTO {table} AS old ({', '.join(names)}) VALUES {', '.join([place] * len(some))} "  # noqa: S608 -- names of columns
                f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sums}"
            )
            sql.execute(statement, list(chain.from_iterable(some)))
