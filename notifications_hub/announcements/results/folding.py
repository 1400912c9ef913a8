"""The chore that folds tallies into figures, a bounded step at a time.

A step is one transaction: it adds to the figures and deletes the tallies that it added. A process killed anywhere
leaves the step done or not begun, so each tally counts once. The lock of one row lets one process at a time fold.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results.models import ResultFold, ResultTally, ResultWatch
from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import connection
from notifications_hub.streams.sweeper import every_second

STEP = 2000
"""The most tallies of one transaction, which takes some tens of milliseconds."""
TURN_SECONDS = 0.2
"""The most that one turn of the sweeper spends on steps, because other chores wait for it."""
PAUSE = timedelta(seconds=2)
"""The time between two turns, of all processes together."""
BY_HOUR = 48
"""The hours of an announcement that have a figure each. Then each day has one."""

_HOUR = timedelta(hours=1)
_FIGURES = 200
"""The most figures that one statement adds to."""


class Key(NamedTuple):
    """The columns that identify a figure."""

    announcement: int
    what: str
    method: str
    reason: str
    language: str
    bucket: int


@every_second
def fold_tallies() -> None:
    """Fold what was tallied. Without tallies this is two short questions."""
    now, state = datetime.now(UTC), _state()
    if _first(state) is None and not state.is_late(now):
        return
    begin, _made = ResultFold.objects.get_or_create(pk=1)
    if begin.folded_at > now - PAUSE:
        return
    until = time.monotonic() + TURN_SECONDS
    while fold_step() and time.monotonic() < until:
        pass


def fold_step() -> bool:
    """Fold the next tallies, and return whether there may be more. Another process may be at it."""
    now = datetime.now(UTC)
    with transaction.atomic():
        state = ResultFold.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=1).first()
        if state is None:
            return False
        looks_back = state.is_late(now)
        beyond = 0 if looks_back else state.floor
        tallies = list(ResultTally.objects.filter(pk__gt=beyond).order_by("pk")[:STEP])
        _fold(tallies)
        if tallies:
            state.floor, state.folded_at = max(state.floor, tallies[-1].pk), now
        if looks_back and len(tallies) < STEP:
            state.looked_back_at = now
        state.save()
    return len(tallies) == STEP


def as_of() -> datetime:
    """Return the time up to which the figures are complete: now, or when tallies that wait were folded last."""
    state = _state()
    return datetime.now(UTC) if _first(state) is None else state.folded_at


def bucket_of(at: datetime, announced_at: datetime) -> int:
    """Return the bucket that a time belongs to. What happens before the hour of announcing belongs to the first."""
    begin = announced_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = max(0, (at - begin) // _HOUR)
    return hours if hours < BY_HOUR else hours - hours % 24


def _state() -> ResultFold:
    return ResultFold.objects.filter(pk=1).first() or ResultFold()


def _first(state: ResultFold) -> int | None:
    # Above the floor: PostgreSQL keeps the index entries of deleted rows while a long transaction runs.
    return ResultTally.objects.filter(pk__gt=state.floor).order_by("pk").values_list("pk", flat=True).first()


def _fold(tallies: Sequence[ResultTally]) -> None:
    if not tallies:
        return
    known = Announcement.objects.filter(pk__in={one.announcement_id for one in tallies})
    announced = {pk: at or begin for pk, at, begin in known.values_list("pk", "announced_at", "starts_at")}
    # Locked in one order, as a deleted announcement deletes its figures.
    _add(sorted(_summed(tallies, announced).items()))
    ResultTally.objects.filter(pk__in=[one.pk for one in tallies]).delete()
    ResultWatch.objects.filter(announcement__in=announced, moved=False).update(moved=True)


def _summed(tallies: Iterable[ResultTally], announced: Mapping[int, datetime]) -> Counter[Key]:
    """Add up per figure. Tallies of an announcement that was deleted are left out."""
    sums: Counter[Key] = Counter()
    for one in tallies:
        if (begin := announced.get(one.announcement_id)) is not None:
            bucket = bucket_of(one.at, begin)
            sums[Key(one.announcement_id, one.what, one.method, one.reason, one.language, bucket)] += one.number
    return Counter({key: number for key, number in sums.items() if number})


_ADD = """
    INSERT INTO notifications_hub_resultfigure AS figure
        (announcement_id, what, method, reason, language, bucket, number) VALUES {rows}
    ON CONFLICT (announcement_id, what, method, reason, language, bucket)
    DO UPDATE SET number = figure.number + EXCLUDED.number
"""


def _add(sums: Collection[tuple[Key, int]]) -> None:
    with connection.cursor() as sql:
        for some in chunks(sums, _FIGURES):
            rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(some))
            sql.execute(_ADD.format(rows=rows), list(chain.from_iterable((*key, number) for key, number in some)))
