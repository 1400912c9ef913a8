"""An announcement's figures, added up as its page and its file show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from notifications_hub.announcements.methods import all_methods
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results import failures
from notifications_hub.announcements.results.folding import BY_HOUR
from notifications_hub.announcements.results.models import ResultFigure, What
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.kinds import method_name

MOST_SPANS = 60
"""The most spans of time in one picture. Spans of days are made longer if there are more."""

_DONE_BY_PEOPLE = (What.SEEN, What.READ, What.CONFIRMED, What.CLICKED, What.DISMISSED)
_IN_SPANS = (What.DELIVERED, What.READ)


@dataclass(frozen=True, slots=True)
class MethodResult:
    """The people whom one delivery method reached. For a transport, also how many deliveries were sent and failed."""

    method: str
    name: str
    people: int
    sent: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    method: str
    why: str
    number: int


@dataclass(frozen=True, slots=True)
class Span:
    """An hour, a day or several: when it begins, and how many people were reached and read then."""

    begin: datetime
    reached: int
    read: int

    @property
    def is_empty(self) -> bool:
        return not (self.reached or self.read)


@dataclass(frozen=True, slots=True)
class LanguageResult:
    """A language, empty if unknown, and how many people saw, read and clicked in it."""

    language: str
    seen: int
    read: int
    clicked: int


@dataclass(frozen=True, slots=True)
class Figures:
    methods: Sequence[MethodResult]
    people: Mapping[What, int]
    failures: Sequence[Failure]
    hours: Sequence[Span]
    days: Sequence[Span]
    day_span: int
    languages: Sequence[LanguageResult]

    @property
    def reached(self) -> int:
        return sum(one.people for one in self.methods)

    @property
    def is_empty(self) -> bool:
        return not (self.reached or self.failures or any(self.people.values()))


def figures_of(announcement: Announcement) -> Figures:
    """Read the figures: a bounded number of rows, whatever the audience."""
    rows = list(ResultFigure.objects.filter(announcement=announcement))
    begin = _hour_of(announcement.announced_at or announcement.starts_at)
    day_span = _day_span(rows)
    days = [span for span in _spans(rows, begin, 24 * day_span) if any(row.bucket >= BY_HOUR for row in rows)]
    return Figures(
        methods=_methods(announcement, rows),
        people={what: _sum(rows, what) for what in _DONE_BY_PEOPLE},
        failures=_failures(rows),
        hours=_spans([row for row in rows if row.bucket < BY_HOUR], begin, 1),
        days=days,
        day_span=day_span,
        languages=_languages(rows),
    )


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _sum(rows: Sequence[ResultFigure], what: What) -> int:
    return max(0, sum(row.number for row in rows if row.what == what))


def _methods(announcement: Announcement, rows: Sequence[ResultFigure]) -> list[MethodResult]:
    people: Counter[str] = Counter()
    for row in rows:
        if row.what == What.DELIVERED:
            people[row.method] += row.number
    rollouts = {one.transport: one for one in Rollout.objects.sending().filter(announcement=announcement)}
    chosen = all_methods() if announcement.methods is None else announcement.methods
    names = dict.fromkeys([*chosen, *rollouts, *people])
    return [
        MethodResult(
            name,
            str(method_name(name)),
            people[name],
            rollouts[name].sent if name in rollouts else None,
            rollouts[name].failed if name in rollouts else None,
        )
        for name in names
    ]


def _failures(rows: Sequence[ResultFigure]) -> list[Failure]:
    numbers: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.what == What.FAILED:
            numbers[row.method, row.reason] += row.number
    return [
        Failure(str(method_name(method)), failures.in_words(reason), number)
        for (method, reason), number in numbers.most_common()
    ]


def _day_span(rows: Sequence[ResultFigure]) -> int:
    """Return how many days one span covers, so that there are at most `MOST_SPANS`."""
    last = max((row.bucket for row in rows), default=0) // 24
    return last // MOST_SPANS + 1


def _spans(rows: Sequence[ResultFigure], begin: datetime, hours: int) -> list[Span]:
    """Return the spans from the beginning to the last one in which something happened."""
    numbers: dict[str, Counter[int]] = {what: Counter() for what in _IN_SPANS}
    for row in rows:
        if row.what in numbers:
            numbers[row.what][row.bucket // hours] += row.number
    last = max((span for counter in numbers.values() for span in counter), default=-1)
    reached, read = (numbers[what] for what in _IN_SPANS)
    return [
        Span(begin + timedelta(hours=hours * span), max(0, reached[span]), max(0, read[span]))
        for span in range(last + 1)
    ]


def _languages(rows: Sequence[ResultFigure]) -> list[LanguageResult]:
    numbers: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.what in (What.SEEN, What.READ, What.CLICKED):
            numbers[row.language, row.what] += row.number
    results = [
        LanguageResult(
            language,
            *(max(0, numbers[language, what]) for what in (What.SEEN, What.READ, What.CLICKED)),
        )
        for language in {language for language, _what in numbers}
    ]
    return sorted(results, key=lambda one: (-one.read, -one.seen, one.language))
