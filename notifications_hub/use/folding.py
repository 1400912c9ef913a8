"""The chore that folds tallies of use into a sum for each day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from notifications_hub.streams.sweeper import every_few_seconds
from notifications_hub.tallying.folding import Folding, add_sums
from notifications_hub.use.models import UseFold, UseSum, UseTally, day_of

STEP = 2000
"""The most tallies of one transaction."""

_KEYS = ("day", "what", "kind", "method", "detail")


@every_few_seconds
def fold_use() -> None:
    """Fold what was tallied."""
    _FOLDING.turn(STEP)


def fold_step() -> bool:
    """Fold the next tallies, and return whether there may be more."""
    return _FOLDING.step(STEP)


def _add(tallies: Sequence[UseTally]) -> None:
    sums: Counter[tuple[str, ...]] = Counter()
    for one in tallies:
        sums[day_of(one.at), one.what, one.kind, one.method, one.detail] += one.number
    add_sums(UseSum._meta.db_table, _KEYS, ["number"], [(*key, number) for key, number in sorted(sums.items())])


_FOLDING = Folding(UseTally, UseFold, _add)
