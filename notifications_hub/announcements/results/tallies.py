"""Tally what happens to announcements, in the transaction in which it happens.

A batch appends one row for each announcement, however many people it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.utils import timezone, translation

from notifications_hub.announcements.results.failures import code_of
from notifications_hub.announcements.results.models import ResultTally, What
from notifications_hub.delivery.reasons import DeliveryReason
from notifications_hub.kinds import DeliveryMethod


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Something that happened to an announcement at a time."""

    announcement: int
    what: What
    at: datetime
    method: str = ""
    reason: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """An announcement's row of one person, before it changed."""

    announcement: int
    seen_at: datetime | None
    read_at: datetime | None


def add(numbers: Mapping[Tally, int]) -> None:
    ResultTally.objects.bulk_create(
        [
            ResultTally(
                announcement_id=one.announcement,
                what=one.what,
                method=one.method,
                reason=one.reason,
                language=one.language,
                at=one.at,
                number=number,
            )
            for one, number in numbers.items()
            if number
        ]
    )


def tally_reads(rows: Iterable[Before], at: datetime) -> None:
    """Count rows that are read now. What is read also counts as seen."""
    numbers: Counter[Tally] = Counter()
    language = _active_language()
    for row in rows:
        numbers[Tally(announcement=row.announcement, what=What.READ, at=at, language=language)] += 1
        if row.seen_at is None:
            numbers[Tally(announcement=row.announcement, what=What.SEEN, at=at, language=language)] += 1
    add(numbers)


def take_back_reads(rows: Iterable[Before]) -> None:
    """Count rows that are unread again as never read: at the time when they were."""
    numbers: Counter[Tally] = Counter()
    language = _active_language()
    for row in rows:
        if row.read_at is not None:
            numbers[Tally(announcement=row.announcement, what=What.READ, at=row.read_at, language=language)] -= 1
    add(numbers)


def tally(what: What, rows: Iterable[Before], at: datetime) -> None:
    """Count rows that are seen or clicked now, in the active language."""
    language = _active_language()
    add(Counter(Tally(announcement=row.announcement, what=what, at=at, language=language) for row in rows))


def tally_one(what: What, announcement: int) -> None:
    """Count one person who has no row of the announcement, now."""
    add({Tally(announcement=announcement, what=what, at=timezone.now(), language=_active_language()): 1})


def tally_delivered(rows: Iterable[Before], method: str, at: datetime) -> None:
    """Count rows that a delivery method reached now. `live` counts elsewhere: when pages acknowledge."""
    if method != DeliveryMethod.LIVE:
        of_method = partial(Tally, what=What.DELIVERED, at=at, method=method[:20])
        add(Counter(of_method(announcement=row.announcement) for row in rows))


def tally_live(people: Mapping[int, int], at: datetime) -> None:
    """Count the people of each announcement whose page showed it."""
    add(
        {
            Tally(announcement=pk, what=What.DELIVERED, at=at, method=DeliveryMethod.LIVE.value): number
            for pk, number in people.items()
        }
    )


def tally_failures(failed: Iterable[tuple[int, str, DeliveryReason]], at: datetime) -> None:
    """Count failed deliveries, each with its announcement, transport and reason."""
    add(
        Counter(
            Tally(announcement=pk, what=What.FAILED, at=at, method=transport, reason=code_of(reason))
            for pk, transport, reason in failed
        )
    )


def _active_language() -> str:
    return (translation.get_language() or "")[:20]
