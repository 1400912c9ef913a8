"""The chore that folds tallies of announcements into figures. `tallying/folding.py` says how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results.models import ResultFigure, ResultFold, ResultTally, ResultWatch
from notifications_hub.streams.sweeper import every_second
from notifications_hub.tallying.folding import Folding, add_sums

STEP = 2000
"""The most tallies of one transaction, which takes some tens of milliseconds."""
BY_HOUR = 48
"""The hours of an announcement that have a figure each. Then each day has one."""

_HOUR = timedelta(hours=1)


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
    """Fold what was tallied."""
    _FOLDING.turn(STEP)


def fold_step() -> bool:
    """Fold the next tallies, and return whether there may be more."""
    return _FOLDING.step(STEP)


def as_of() -> datetime:
    """Return the time up to which the figures are complete."""
    return _FOLDING.as_of()


def bucket_of(at: datetime, announced_at: datetime) -> int:
    """Return the bucket that a time belongs to. What happens before the hour of announcing belongs to the first."""
    begin = announced_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = max(0, (at - begin) // _HOUR)
    return hours if hours < BY_HOUR else hours - hours % 24


def _fold(tallies: Sequence[ResultTally]) -> None:
    known = Announcement.objects.filter(pk__in={one.announcement_id for one in tallies})
    announced = {pk: at or begin for pk, at, begin in known.values_list("pk", "announced_at", "starts_at")}
    # Locked in one order, as a deleted announcement deletes its figures.
    _add(sorted(_summed(tallies, announced).items()))
    ResultWatch.objects.filter(announcement__in=announced, moved=False).update(moved=True)


def _summed(tallies: Iterable[ResultTally], announced: Mapping[int, datetime]) -> Counter[Key]:
    """Add up per figure. Tallies of an announcement that was deleted are left out."""
    sums: Counter[Key] = Counter()
    for one in tallies:
        if (begin := announced.get(one.announcement_id)) is not None:
            bucket = bucket_of(one.at, begin)
            sums[Key(one.announcement_id, one.what, one.method, one.reason, one.language, bucket)] += one.number
    return Counter({key: number for key, number in sums.items() if number})


def _add(sums: Collection[tuple[Key, int]]) -> None:
    rows = [(*key, number) for key, number in sums]
    add_sums(ResultFigure._meta.db_table, _COLUMNS, ["number"], rows)


_COLUMNS = ["announcement_id", "what", "method", "reason", "language", "bucket"]
_FOLDING = Folding(ResultTally, ResultFold, _fold)
